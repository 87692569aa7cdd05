//! Several servers over real sockets: who hears of which address, and what happens when one is gone or lies.

use std::{
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use integration_tests::{Exchange, FastChain, Host, NodeProcess, Proxy, now, paths::light_program};
use light_client::{
    client::{AccountBundle, Bundle, ChainFile, Client, Sync},
    data_format::Address,
    test_support::chain::test_address,
};
use serde_json::Value;

/// A way to the node that remembers what it was asked.
struct Server {
    proxy: Proxy,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(node: &NodeProcess) -> Self {
        let server = Self { proxy: Proxy::start(node.address()), asked: Arc::default() };
        server.change(|_| {});
        server
    }

    /// Changes answers from now on.
    fn change(&self, mut change: impl FnMut(Exchange<'_>) + Send + 'static) {
        let asked = Arc::clone(&self.asked);
        self.proxy.change(move |exchange| {
            asked.lock().unwrap().push(exchange.path.to_owned());
            change(exchange);
        });
    }

    fn heard_of(&self, address: &Address) -> bool {
        let text = address.to_string();
        self.asked.lock().unwrap().iter().any(|path| path.contains(&text))
    }
}

fn addresses() -> Vec<Address> {
    (1..=4).map(test_address).collect()
}

fn all_proven(client: &Client) -> bool {
    let newest = client.trusted().height;
    client.sync(now()) == Sync::Verified
        && client.accounts().all(|(_, account)| account.proven().is_some_and(|p| p.height == newest))
}

#[test]
fn each_address_is_told_to_one_server_and_to_another_only_when_that_one_is_gone() {
    let chain = FastChain::new(3);
    let node = chain.start(NodeProcess::free_address());
    let (one, other) = (Server::new(&node), Server::new(&node));
    let servers = [one.proxy.base(), other.proxy.base().replace("127.0.0.1", "localhost")];
    let mut client = Client::new(chain.spec().clone(), node.api().genesis(chain.spec()), servers);
    addresses().into_iter().for_each(|address| client.watch(address, now()));
    let host = Host::default();
    host.run_until(&mut client, 60, "every account", all_proven);
    let height = client.trusted().height;
    host.run_until(&mut client, 60, "some more blocks", |client| {
        client.trusted().height.0 > height.0 + 10 && all_proven(client)
    });
    let (mut of_one, mut of_other) = (0, 0);
    for address in addresses() {
        let heard = (one.heard_of(&address), other.heard_of(&address));
        assert!(heard.0 != heard.1, "{address} was told to {heard:?}");
        of_one += usize::from(heard.0);
        of_other += usize::from(heard.1);
    }
    assert_eq!((of_one, of_other), (2, 2));
    drop(other);
    let height = client.trusted().height;
    host.run_until(&mut client, 60, "everything by the one that is left", |client| {
        client.trusted().height.0 > height.0 + 10 && all_proven(client)
    });
    assert!(addresses().iter().all(|address| one.heard_of(address)));
}

#[test]
fn a_liar_among_two_costs_nothing_and_is_not_asked_in_the_next_run() {
    let chain = FastChain::new(3);
    let node = chain.start(NodeProcess::free_address());
    let (honest, liar) = (Server::new(&node), Server::new(&node));
    liar.change(|Exchange { path, answer }| {
        if path.starts_with("/v1/accounts/") && answer.status == 200 {
            let mut bundle = AccountBundle::from_bytes(&answer.body).unwrap();
            bundle.history.records.iter_mut().for_each(|record| record.delta += 1);
            answer.body = bundle.to_bytes();
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = node.api().genesis(chain.spec()).checkpoint();
    let file = ChainFile { spec: chain.spec().clone(), checkpoint, servers: Vec::new() };
    std::fs::write(folder.path().join("chain.json"), serde_json::to_vec(&file).unwrap()).unwrap();
    let run = |arguments: &[String]| {
        let mut command = Command::new(light_program());
        command.arg("--json").arg("--data").arg(folder.path());
        command.args(["--server", &liar.proxy.base(), "--server", &honest.proxy.base()]).args(arguments);
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let balance: Vec<String> =
        ["balance".to_owned()].into_iter().chain(addresses().iter().map(Address::to_string)).collect();
    let (said, told) = run(&balance);
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4, "{said}");
    assert!(lines.iter().all(|line| line["trust"]["state"] == "verified"), "{said}");
    assert!(told.contains(&liar.proxy.base()) && told.contains("cannot be true"), "{told}");

    liar.asked.lock().unwrap().clear();
    let (said, _) = run(&balance);
    assert_eq!(said.matches("\"verified\"").count(), 4, "{said}");
    assert_eq!(liar.asked.lock().unwrap().as_slice(), [] as [String; 0], "it is known for what it is");
    let (status, _) = run(&["status".to_owned()]);
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["servers"][0]["health"], "lying", "{status}");
    assert_eq!(status["servers"][1]["health"], "good", "{status}");
    // A person may say that it is to be asked again.
    run(&["sync".to_owned(), "--forgive".to_owned()]);
    assert!(!liar.asked.lock().unwrap().is_empty());
}
