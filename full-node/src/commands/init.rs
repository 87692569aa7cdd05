//! `vsys-node init`: the data folder of a new node.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use full_node::{
    block_tree::Chain,
    config::{self, ChainFile, ChainSettings, Failure, SETTINGS_FILE, Settings},
    network::identity::node_key,
    storage::Database,
};
use libp2p::Multiaddr;
use light_client::{
    crypto::{Hash, PublicKey},
    data_format::ChainSpec,
};

use super::{now, say, serve::NETWORK_FOLDER};

/// `vsys-node init`.
#[derive(Debug, Args)]
#[command(after_help = "\
It makes the folder with:
  config.toml        every setting with its default and what it is for
  chain.toml         a copy of the chain spec
  minting.key        the key the node mints and votes with, once its owner holds a slot
  chain.redb         the chain, from block 0 on, and what the minting key has signed: nothing yet
  chain.wal/         what is on its way into chain.redb
  network/node.key   who the node is to its peers

With --with DIR it makes the folder of a further chain of the node in DIR, without config.toml and network/, and adds its table to
DIR/config.toml.

Examples:
  vsys-node init --chain spec.toml --data /var/lib/vsys-node
  vsys-node init --chain other.toml --data /var/lib/vsys-node/other --with /var/lib/vsys-node
  vsys-node init --chain spec.toml --data DIR --peer /ip4/192.0.2.1/tcp/9921")]
pub(crate) struct Init {
    /// The chain spec, the same for every node of the chain
    #[arg(long, value_name = "FILE")]
    chain: PathBuf,
    /// The folder to make; it must not exist, or be empty
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// A minting key that never signed anything, made by `vsys-node keys`, instead of a new one; it is moved into the folder
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The folder of a node that is to run this chain, too, in one process with its others
    #[arg(long, value_name = "DIR", conflicts_with_all = ["peers", "p2p", "api"])]
    with: Option<PathBuf>,
    /// A node to stay connected with, for example /ip4/192.0.2.1/tcp/9921; may be repeated
    #[arg(long = "peer", value_name = "MULTIADDR")]
    peers: Vec<Multiaddr>,
    /// Where other nodes connect [default: 0.0.0.0:9921]
    #[arg(long, value_name = "ADDRESS")]
    p2p: Option<SocketAddr>,
    /// Where the API listens [default: 127.0.0.1:9922]
    #[arg(long, value_name = "ADDRESS")]
    api: Option<SocketAddr>,
}

/// A folder that was made.
pub(super) struct Made {
    chain: MadeChain,
    peer: String,
}

/// What is in it for one chain.
struct MadeChain {
    spec: ChainSpec,
    /// Whether the chain's file says where nodes are.
    has_bootstrap: bool,
    minting_key: PublicKey,
}

/// Makes the folder, and says what to do next.
pub(crate) fn run(init: &Init) -> Result<(), Failure> {
    if let Some(node) = &init.with {
        let made = add(&init.chain, &init.data, init.key.as_deref(), node)?;
        say(&added(&made, &init.data, node));
        return Ok(());
    }
    let mut settings = Settings::default();
    settings.network.peers.clone_from(&init.peers);
    if let Some(address) = init.p2p {
        settings.network.listen = vec![address];
    }
    if let Some(address) = init.api {
        settings.api.listen = address;
    }
    let made = make(&init.chain, &init.data, init.key.as_deref(), &settings)?;
    say(&introduction(&made, &init.data, &settings));
    Ok(())
}

/// Makes a data folder with these settings. The settings are written last: a folder without them is not one of a node.
pub(super) fn make(
    chain: &Path,
    data: &Path,
    key: Option<&Path>,
    settings: &Settings,
) -> Result<Made, Failure> {
    let made = make_chain(chain, data, key, settings)?;
    let network = data.join(NETWORK_FOLDER);
    fs::create_dir_all(&network).map_err(unwritable(&network))?;
    let peer = node_key(Some(&network.join("node.key"))).map_err(full_node::network::NetworkError::from)?;
    settings.write_new(&data.join(SETTINGS_FILE))?;
    Ok(Made { chain: made, peer: peer.public().to_peer_id().to_string() })
}

/// Makes the data folder of a further chain of a node. The node's settings name it at the end, once it is whole.
fn add(chain: &Path, data: &Path, key: Option<&Path>, node: &Path) -> Result<MadeChain, Failure> {
    let file = node.join(SETTINGS_FILE);
    if !file.exists() {
        return Err(Failure::no_settings(&file));
    }
    let mut settings = Settings::read(&file)?;
    let made = make_chain(chain, data, key, &Settings::default())?;
    let absolute = |path: &Path| std::path::absolute(path).map_err(unwritable(path));
    let (data, node) = (absolute(data)?, absolute(node)?);
    let ChainSettings { chain: spec, minting_keys, .. } = ChainSettings::default();
    settings.more.push(ChainSettings {
        chain: data.join(spec),
        minting_keys: minting_keys.iter().map(|key| data.join(key)).collect(),
        data: data.clone(),
        ..ChainSettings::default()
    });
    config::read_chains(&settings)?;
    let data = data.strip_prefix(&node).map_or_else(|_| data.clone(), Path::to_owned);
    Settings::append(&file, &ChainSettings { data, ..ChainSettings::default() })?;
    Ok(made)
}

/// Makes a data folder with what is of its chain.
fn make_chain(
    chain: &Path,
    data: &Path,
    key: Option<&Path>,
    settings: &Settings,
) -> Result<MadeChain, Failure> {
    let ChainFile { spec, bootstrap, .. } = config::read_chain(chain)?;
    if let Some(key) = key {
        config::read_key(key)?;
    }
    if data.exists() && fs::read_dir(data).map_err(unwritable(data))?.next().is_some() {
        return Err(Failure::folder_in_use(data));
    }
    fs::create_dir_all(data).map_err(unwritable(data))?;
    let copy = data.join(&settings.first.chain);
    fs::copy(chain, &copy).map_err(unwritable(&copy))?;
    let path = data.join("minting.key");
    let minting_key = match key {
        Some(key) => config::move_key(key, &path)?.public(),
        None => config::create_key(&path)?,
    };
    let retention = settings.retention(&settings.first);
    let database = Database::open(Some(data), &retention)?;
    // With the record that this key has signed nothing: without one it would have to wait before it may sign.
    Chain::open(database, Arc::new(spec.clone()), &retention, &[Hash(*minting_key.as_bytes())])?;
    Ok(MadeChain { spec, has_bootstrap: !bootstrap.is_empty(), minting_key })
}

fn unwritable(path: &Path) -> impl FnOnce(std::io::Error) -> Failure + use<> {
    let path = path.to_owned();
    move |error| Failure::unwritable(&path, &error)
}

/// Which chain, and which key.
fn of_chain(chain: &MadeChain) -> String {
    format!("  chain        {}\n  minting key  {}\n", chain.spec.id(), Hash(*chain.minting_key.as_bytes()))
}

/// What to do with the chain's key.
const KEY: &str = "  The minting key mints and votes once an account registers it for a slot. Keep a copy of minting.key;\n  \
                   never use it on two machines at a time, and never copy chain.redb or chain.wal back from a backup.";

fn added(chain: &MadeChain, data: &Path, node: &Path) -> String {
    let (folder, node) = (data.display(), node.display());
    format!(
        "Made a further chain {:?} in {folder}\n{}\nNext\n  Start the node anew: it runs all of its chains.\n    \
         vsys-node run --data {node}\n  Its settings are the last ones in {node}/{SETTINGS_FILE}; none has to be \
         changed.\n{KEY}",
        chain.spec.name,
        of_chain(chain),
    )
}

fn introduction(made: &Made, data: &Path, settings: &Settings) -> String {
    let (folder, chain) = (data.display(), &made.chain);
    let mut text = format!(
        "Made a node of the chain {:?} in {folder}\n{}  peer id      {}\n",
        chain.spec.name,
        of_chain(chain),
        made.peer,
    );
    text += &format!("\nNext\n  vsys-node run --data {folder}\n");
    if chain.spec.genesis_time > now() {
        text += &format!("    once the chain starts: {}\n", config::print_moment(chain.spec.genesis_time));
    }
    for address in &settings.network.listen {
        text += &format!("  Let others connect: open port {} for TCP and UDP.\n", address.port());
    }
    if settings.network.peers.is_empty() && !chain.has_bootstrap {
        text += &format!(
            "  Name a node of the chain in {folder}/{SETTINGS_FILE}, as one of peers; or others name this one.\n"
        );
    }
    text += &format!("  Look through the settings in {folder}/{SETTINGS_FILE}; none has to be changed.\n");
    text + KEY
}
