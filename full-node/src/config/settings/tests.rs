use toml::Value;

use super::{
    text::{TEMPLATE, parse, print, table},
    *,
};

fn fault(text: &str) -> (usize, String) {
    let (line, fault) = parse(text).unwrap_err();
    (line, fault.to_string())
}

#[test]
fn what_is_written_shows_every_setting_with_its_default() {
    assert_eq!(print(&Settings::default()).unwrap(), TEMPLATE, "the values shown are the defaults");
    assert_eq!(parse(TEMPLATE), Ok(Settings::default()));
    assert_eq!(parse(""), Ok(Settings::default()), "what is left out has its default");
    // Each setting has a line of its own, with words before it.
    for (name, value) in table(&Settings::default()).unwrap() {
        let (start, keys) = match value {
            Value::Table(section) => (format!("[{name}]\n"), section.keys().cloned().collect()),
            _ => (String::new(), vec![name]),
        };
        let (_, section) = TEMPLATE.split_once(&start).unwrap();
        for key in keys {
            let at = section.lines().position(|line| line.starts_with(&format!("{key} = "))).unwrap();
            let before = section.lines().take(at).collect::<Vec<_>>();
            assert!(before.iter().any(|line| line.starts_with("# ")), "{key} is not explained");
        }
    }
}

#[test]
fn changed_settings_are_written_and_read_back() {
    let mut settings = Settings::default();
    settings.first.minting_keys.clear();
    settings.network.peers = vec!["/ip4/192.0.2.1/tcp/9921".parse().unwrap()];
    settings.api.listen = "127.0.0.1:8080".parse().unwrap();
    settings.first.disk.keep_blocks = 5_000;
    let text = print(&settings).unwrap();
    assert_eq!(parse(&text), Ok(settings));
    assert_eq!(text.lines().count(), TEMPLATE.lines().count(), "the explanations are still there");
}

#[test]
fn an_unknown_setting_is_refused_with_its_line_and_the_nearest_one() {
    let unknown = |text| fault(text);
    let (line, words) = unknown("chain = \"x\"\nminting_key = []\n");
    assert_eq!((line, words.as_str()), (2, "there is no setting minting_key; did you mean minting_keys?"));
    let (line, words) = unknown("[disk]\nkeep_states = 900\n\nkeep_block = 7\n");
    assert_eq!(line, 4);
    assert_eq!(words, "there is no setting disk.keep_block; did you mean disk.keep_blocks?");
    let (line, words) = unknown("[memroy]\npool_mib = 1\n");
    assert_eq!((line, words.as_str()), (1, "there is no setting memroy; did you mean memory?"));
}

#[test]
fn values_that_cannot_be_are_refused_with_their_line() {
    let (line, words) = fault("[disk]\nkeep_states = 899\n");
    assert!(line == 2 && words.contains("disk.keep_states must be 900 to"), "{words}");
    assert!(fault("[disk]\nkeep_blocks = 1\n").1.contains("or 0"), "0 keeps all");
    assert!(parse("[disk]\nkeep_blocks = 0\n").is_ok());
    assert!(fault("[network]\ninbound = 0\n").1.contains("network.inbound"));
    assert_eq!(fault("[api]\nlisten = \"nowhere\"\n").0, 2);
    assert_eq!(fault("[cpu]\n\nthreads = \"all\"\n").0, 3);
    assert_eq!(fault("[cpu\n").0, 1);
}

#[test]
fn paths_are_relative_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(SETTINGS_FILE);
    let settings = Settings {
        first: ChainSettings {
            minting_keys: vec!["/keys/one.key".into(), "two.key".into()],
            ..ChainSettings::default()
        },
        ..Settings::default()
    };
    settings.write_new(&path).unwrap();
    let read = Settings::read(&path).unwrap();
    assert_eq!(read.first.chain, folder.path().join("chain.toml"));
    assert_eq!(read.first.minting_keys, [PathBuf::from("/keys/one.key"), folder.path().join("two.key")]);
    assert_eq!(read.api.wallet, PathBuf::new());
    assert!(matches!(settings.write_new(&path), Err(SettingsError::Io { action: "written", .. })));
}

/// Two further chains, the second of which differs in everything.
fn three() -> Settings {
    let other = ChainSettings {
        data: "/disk/third".into(),
        chain: "spec.toml".into(),
        minting_keys: Vec::new(),
        payee: Some(light_client::test_support::chain::test_address(1)),
        share: 2,
        disk: DiskSettings { keep_states: 1_000, keep_blocks: 2_000, minimum_free_mib: 0 },
    };
    let second = ChainSettings { data: "second".into(), ..ChainSettings::default() };
    Settings { more: vec![second, other], ..Settings::default() }
}

#[test]
fn further_chains_have_the_settings_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(SETTINGS_FILE);
    let settings = three();
    settings.write_new(&path).unwrap();
    assert_eq!(parse(&fs::read_to_string(&path).unwrap()), Ok(settings.clone()));
    let read = Settings::read(&path).unwrap();
    assert_eq!(read.first.data, folder.path());
    let [second, third] = &read.more[..] else { panic!("{read:?}") };
    let home = folder.path().join("second");
    assert_eq!((&second.data, &second.chain), (&home, &home.join("chain.toml")));
    assert_eq!(second.minting_keys, [home.join("minting.key")]);
    assert_eq!(third.chain, Path::new("/disk/third/spec.toml"));
    let written = "[[chains]]\ndata = \"second\"\n";
    let second = parse(written).unwrap();
    assert_eq!(second.more, settings.more[..1], "what is left out has its default there, too");

    // A table that is added is the last one, and what cannot be is not added.
    let fourth = ChainSettings { data: "fourth".into(), ..ChainSettings::default() };
    Settings::append(&path, &fourth).unwrap();
    assert_eq!(Settings::read(&path).unwrap().more.len(), 3);
    let before = fs::read_to_string(&path).unwrap();
    let refused = Settings::append(&path, &ChainSettings { share: 0, ..fourth }).unwrap_err();
    assert!(refused.to_string().contains("share of [[chains]] number 4 must be 1 to 100"), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
}

#[test]
fn chains_divide_the_memory_of_the_process() {
    let mut settings = three();
    settings.memory = MemorySettings { page_cache_mib: 103, state_cache_mib: 4, pool_mib: 5 };
    let sum = |of: &dyn Fn(&ChainSettings) -> usize| settings.chains().map(of).sum::<usize>();
    assert!(sum(&|chain| settings.retention(chain).page_cache_bytes) <= 103 << 20);
    assert_eq!(sum(&|chain| settings.retention(chain).node_cache_bytes), 4 << 20);
    assert!(sum(&|chain| settings.pool_limits(chain).bytes) <= 5 << 20);
    assert_eq!(settings.pool_limits(&settings.more[1]).bytes, (5 << 20) / 4 * 2);
    let alone = Settings { more: Vec::new(), ..settings };
    assert_eq!(alone.pool_limits(&alone.first).bytes, 5 << 20, "one that runs alone gets all of it");

    let shares = "share = 3\n[[chains]]\ndata = \"b\"\nshare = 30\n[memory]\npool_mib = 32\n";
    let (line, words) = fault(shares);
    assert_eq!((line, words.as_str()), (6, "memory.pool_mib must be 33 to 1048576, it is 32"));
}

#[test]
fn what_cannot_be_in_a_further_chain_is_refused_with_its_line() {
    let chains = |text: &str| fault(&format!("[disk]\nkeep_states = 900\n[[chains]]\ndata = \"b\"\n{text}"));
    let (line, words) = chains("[chains.disk]\n\nkeep_states = 1\n");
    assert!(line == 7 && words.starts_with("disk.keep_states of [[chains]] number 1 must be 900"), "{words}");
    let (line, words) = chains("[[chains]]\ndata = \"c\"\nshare = 0\n");
    assert!(line == 7 && words.starts_with("share of [[chains]] number 2 must be 1 to 100"), "{words}");
    let (line, words) = chains("[[chains]]\npayee = \"nobody\"\n");
    assert!(line == 6 && !words.is_empty(), "{line}: {words}");
    let (line, words) = chains("minting_key = []\n");
    assert_eq!(
        (line, words.as_str()),
        (5, "there is no setting chains.minting_key; did you mean chains.minting_keys?")
    );
    let (line, words) = chains("[chains.disk]\nkeep_block = 1\n");
    assert!(line == 6 && words.contains("did you mean chains.disk.keep_blocks?"), "{words}");
    assert_eq!(chains("[chains.api]\n").0, 5, "the API is the process's");
    let many: String = (0..16).map(|number| format!("[[chains]]\ndata = \"{number}\"\n")).collect();
    let (line, words) = fault(&many);
    assert_eq!((line, words.as_str()), (32, "there are 17 chains, at most 16 run in one process"));
}
