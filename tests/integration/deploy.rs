//! The files in `full-node/deploy`: what they start exists, their limits fit the settings of a new node, and systemd takes the
//! unit.

use std::{fs, io::ErrorKind, process::Command};

use full_node::config::Settings;
use integration_tests::paths::{node_program, root};

fn read(name: &str) -> String {
    fs::read_to_string(root().join("full-node/deploy").join(name)).unwrap()
}

/// The value of a setting that a unit has once.
fn value<'a>(unit: &'a str, name: &str) -> &'a str {
    let found: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect();
    assert_eq!(found.len(), 1, "{name}");
    found[0]
}

#[test]
fn the_limits_of_the_service_fit_the_settings_of_a_new_node() {
    let unit = read("vsys-node.service");
    let mib = |name| value(&unit, name).strip_suffix('M').unwrap().parse::<u64>().unwrap();
    let memory = Settings::default().memory;
    let needed = memory.page_cache_mib + memory.state_cache_mib + 6 * memory.pool_mib + 500;
    assert!(needed <= mib("MemoryHigh") && mib("MemoryHigh") < mib("MemoryMax"), "{needed} MiB are needed");
    let files: usize = value(&unit, "LimitNOFILE").parse().unwrap();
    let network = Settings::default().network;
    assert!(files > 2 * (1_024 + network.inbound + network.outbound));
    let container = read("Containerfile");
    assert!(container.contains(&format!("--memory {}m", mib("MemoryMax"))), "the same limit in a container");
    assert!(container.contains(&format!("ENV {}\n", value(&unit, "Environment"))), "the same allocator");
}

#[test]
fn what_the_service_and_the_container_start_is_understood() {
    let (unit, container) = (read("vsys-node.service"), read("Containerfile"));
    let start: Vec<&str> = value(&unit, "ExecStart").split(' ').collect();
    let in_container: Vec<&str> = container
        .lines()
        .filter_map(|line| line.strip_prefix("CMD [")?.strip_suffix(']'))
        .flat_map(|list| list.split(", ").map(|word| word.trim_matches('"')))
        .collect();
    for arguments in [&start[1..], &in_container] {
        // There is no such folder: the words are understood, and the settings are missed.
        let words = arguments.iter().take(arguments.len() - 1).chain([&"/nonexistent"]);
        let said = Command::new(node_program()).args(words).output().unwrap();
        assert_eq!(said.status.code(), Some(3), "{said:?}");
    }
    let health = Command::new(node_program()).args(["status", "--help"]).output().unwrap();
    assert!(container.contains("\"status\", \"--healthy\"") && said(&health).contains("--healthy"));
    let settings = Settings::default();
    for port in [settings.network.listen[0].port(), settings.api.listen.port()] {
        assert!(container.contains(&format!("{port}/tcp")), "port {port}");
    }
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_container_is_built_from_named_versions_and_runs_as_nobody_in_particular() {
    let container = read("Containerfile");
    let toolchain = fs::read_to_string(root().join("rust-toolchain.toml")).unwrap();
    let version =
        toolchain.lines().find_map(|line| line.strip_prefix("channel = \"")?.strip_suffix('"')).unwrap();
    let bases: Vec<_> = container.lines().filter_map(|line| line.strip_prefix("FROM ")).collect();
    assert_eq!(bases.len(), 2);
    assert!(bases[0].contains(&format!("rust:{version}-")), "the compiler of the repository: {}", bases[0]);
    for base in bases {
        let (_, tag) = base.split(' ').next().unwrap().rsplit_once(':').unwrap();
        assert!(
            tag.starts_with(|c: char| c.is_ascii_digit()) && tag.contains('.'),
            "{base} is not a version"
        );
    }
    let user = container.lines().filter_map(|line| line.strip_prefix("USER ")).next_back().unwrap();
    assert!(!user.starts_with('0') && user != "root", "{user}");
}

/// Where there is no systemd there is nothing to ask.
#[test]
fn systemd_takes_the_unit_and_finds_it_well_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vsys-node.service");
    let program = node_program().display().to_string();
    fs::write(&path, read("vsys-node.service").replace("/usr/local/bin/vsys-node", &program)).unwrap();
    let verified = match Command::new("systemd-analyze").arg("verify").arg("--man=no").arg(&path).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => return,
        verified => verified.unwrap(),
    };
    let words = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<_> = words.lines().filter(|line| line.contains("vsys-node")).collect();
    assert!(ours.is_empty(), "{words}");
    // From 0, closed, to 100, open.
    let security = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=20", "--no-pager"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(security.status.success(), "{}", said(&security));
}
