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
    config::{self, ChainFile, Failure, SETTINGS_FILE, Settings},
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
  network/node.key   who the node is to its peers

Examples:
  vsys-node init --chain spec.toml --data /var/lib/vsys-node
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
    spec: ChainSpec,
    /// Whether the chain's file says where nodes are.
    has_bootstrap: bool,
    minting_key: PublicKey,
    peer: String,
}

/// Makes the folder, and says what to do next.
pub(crate) fn run(init: &Init) -> Result<(), Failure> {
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
    let ChainFile { spec, bootstrap, .. } = config::read_chain(chain)?;
    if let Some(key) = key {
        config::read_key(key)?;
    }
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |error| Failure::unwritable(&path, &error)
    };
    if data.exists() && fs::read_dir(data).map_err(unwritable(data))?.next().is_some() {
        return Err(Failure::folder_in_use(data));
    }
    let network = data.join(NETWORK_FOLDER);
    fs::create_dir_all(&network).map_err(unwritable(&network))?;
    let copy = data.join(&settings.chain);
    fs::copy(chain, &copy).map_err(unwritable(&copy))?;
    let peer = node_key(Some(&network.join("node.key"))).map_err(full_node::network::NetworkError::from)?;
    let path = data.join("minting.key");
    let minting_key = match key {
        Some(key) => config::move_key(key, &path)?.public(),
        None => config::create_key(&path)?,
    };
    let retention = settings.retention();
    let database = Database::open(Some(data), &retention)?;
    // With the record that this key has signed nothing: without one it would have to wait before it may sign.
    Chain::open(database, Arc::new(spec.clone()), &retention, &[Hash(*minting_key.as_bytes())])?;
    settings.write_new(&data.join(SETTINGS_FILE))?;
    let has_bootstrap = !bootstrap.is_empty();
    Ok(Made { spec, has_bootstrap, minting_key, peer: peer.public().to_peer_id().to_string() })
}

fn introduction(made: &Made, data: &Path, settings: &Settings) -> String {
    let folder = data.display();
    let mut text = format!(
        "Made a node of the chain {:?} in {folder}\n  chain        {}\n  minting key  {}\n  peer id      {}\n",
        made.spec.name,
        made.spec.id(),
        Hash(*made.minting_key.as_bytes()),
        made.peer,
    );
    text += &format!("\nNext\n  vsys-node run --data {folder}\n");
    if made.spec.genesis_time > now() {
        text += &format!("    once the chain starts: {}\n", config::print_moment(made.spec.genesis_time));
    }
    for address in &settings.network.listen {
        text += &format!("  Let others connect: open port {} for TCP and UDP.\n", address.port());
    }
    if settings.network.peers.is_empty() && !made.has_bootstrap {
        text += &format!(
            "  Name a node of the chain in {folder}/{SETTINGS_FILE}, as one of peers; or others name this one.\n"
        );
    }
    text += &format!("  Look through the settings in {folder}/{SETTINGS_FILE}; none has to be changed.\n");
    text += "  The minting key mints and votes once an account registers it for a slot. Keep a copy of minting.key;\n  ";
    text + "never use it on two machines at a time, and never copy chain.redb back from a backup."
}
