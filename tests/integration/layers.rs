//! The order of the light client's modules, what none of them may use, and who knows which engine runs: read from the source.

use std::{
    fs,
    path::{Path, PathBuf},
};

use integration_tests::paths::root;

/// A lower module never uses a higher one.
const ORDER: [&str; 8] =
    ["crypto", "data_format", "state", "transaction", "consensus", "block_tree", "interchain", "client"];
/// Beside the order: how many of it they may use.
const BESIDE: [(&str, usize); 2] = [("query", 3), ("wallet", 4)];
/// For tests alone; may use everything, and only tests may use it.
const FOR_TESTS: &str = "test_support";
/// Time is an argument, hosts move the bytes, and the code is the same on every target.
const FORBIDDEN: [&str; 11] = [
    "async",
    "await",
    "std::time",
    "std::net",
    "std::fs",
    "std::thread",
    "std::env",
    "println!",
    "eprintln!",
    "target_arch",
    "getrandom",
];

/// The engines of consensus by their names in code, and how a spec is asked for the rules of one.
const ENGINES: [&str; 11] = [
    "EngineSpec",
    "InstantSpec",
    "Miner",
    "ProofOfWork",
    "ProofOfWorkSpec",
    "Sealer",
    "Spos",
    "SposRules",
    "VotelessRules",
    "spos()",
    "spos_mut()",
];
/// Who outside `consensus` names them all the same, and why. All others ask `Engine` and `Rules`.
const NAME_ENGINES: [(&str, &str); 7] = [
    ("full-node/src/config/development.rs", "makes the specs of chains for trying things out"),
    ("full-node/src/config/spec_file/mod.rs", "a spec as TOML: each engine has a table of its own"),
    ("full-node/src/measure/payments.rs", "makes the spec of the chain that is measured"),
    ("light-client/src/data_format/chain_spec.rs", "checks the rules of whichever engine a spec names"),
    ("light-client/src/data_format/engine_spec.rs", "is the choice of an engine as data"),
    ("light-client/src/data_format/mod.rs", "exports that data"),
    ("light-client/src/wallet/review.rs", "shows the price of a slot, which is below consensus"),
];

/// What a module may use; `None` if it may use everything.
fn allowed(module: &str) -> Option<Vec<&'static str>> {
    let beside =
        BESIDE.iter().find(|(name, _)| *name == module).map(|(name, lower)| (*name, &ORDER[..*lower]));
    let in_order = ORDER.iter().position(|name| *name == module).map(|place| (ORDER[place], &ORDER[..place]));
    let (own, lower) = beside.or(in_order)?;
    Some([lower, &[own]].concat())
}

fn is_module(name: &str) -> bool {
    name == FOR_TESTS || allowed(name).is_some()
}

/// The source without comments, and without the module of unit tests at its end.
fn code(source: &str) -> String {
    let source = source.split("\nmod tests {").next().unwrap();
    source.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The first names of the paths that start at the crate's root: `crate::a`, `crate::{a, b}`, and `super::a` where
/// that leads to the root; `depth` is how many `super` do.
fn used(code: &str, depth: usize) -> Vec<String> {
    let from_root = code.match_indices("crate::").map(|(at, found)| &code[at + found.len()..]);
    let climb = "super::".repeat(depth);
    let climbing = code
        .match_indices(&climb)
        .filter(|(at, _)| !code[..*at].ends_with("super::"))
        .map(|(at, found)| &code[at + found.len()..]);
    from_root.chain(climbing).flat_map(first_names).collect()
}

fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut level, mut names, mut start) = (0_usize, Vec::new(), true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => level += 1,
            '}' if level == 0 => break,
            '}' => level -= 1,
            ',' if level == 0 => start = true,
            c if start && !c.is_whitespace() => {
                names.push(name(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    names
}

/// What is wrong with a file of a module; `depth` is the number of `super` from it to the crate's root.
fn faults(module: &str, depth: usize, source: &str) -> Vec<String> {
    let code = code(source);
    let lower = allowed(module);
    let edges = used(&code, depth)
        .into_iter()
        .filter(|name| is_module(name))
        .filter(|name| lower.as_ref().is_some_and(|lower| !lower.contains(&name.as_str())));
    let edges = edges.map(|name| format!("{module} uses {name}, which is not below it"));
    let words = FORBIDDEN.iter().filter(|word| has_word(&code, word));
    edges.chain(words.map(|word| format!("{word} is used"))).collect()
}

/// The engines that a file names.
fn engines(source: &str) -> Vec<&'static str> {
    let code = code(source);
    ENGINES.into_iter().filter(|name| has_word(&code, name)).collect()
}

fn has_word(code: &str, word: &str) -> bool {
    let boundary = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    code.match_indices(word).any(|(at, found)| {
        boundary(code[..at].chars().next_back())
            && (word.ends_with('!') || boundary(code[at + found.len()..].chars().next()))
    })
}

/// Every source file with its module and its depth; files of unit tests left out.
fn sources(folder: &Path) -> Vec<(PathBuf, String, usize)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let is_tests = path.file_stem().is_some_and(|stem| stem == "tests");
            if path.is_dir() && !is_tests {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_tests {
                let inside = path.strip_prefix(folder).unwrap().with_extension("");
                let mut parts: Vec<_> = inside.iter().map(|part| part.to_str().unwrap()).collect();
                if parts.last() == Some(&"mod") {
                    parts.pop();
                }
                let (module, depth) = (parts[0].to_owned(), parts.len());
                found.push((path, module, depth));
            }
        }
    }
    found
}

#[test]
fn modules_of_the_light_client_use_only_lower_ones() {
    let files = sources(&root().join("light-client/src"));
    assert!(files.len() > 50, "the sources are found");
    let mut modules: Vec<_> = files.iter().map(|(_, module, _)| module.as_str()).collect();
    modules.sort_unstable();
    modules.dedup();
    let unknown: Vec<_> = modules.iter().filter(|name| **name != "lib" && !is_module(name)).collect();
    assert!(unknown.is_empty(), "modules with no place in the order: {unknown:?}");
    let mut all = Vec::new();
    for (path, module, depth) in files {
        if module == FOR_TESTS {
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        all.extend(
            faults(&module, depth, &source).iter().map(|fault| format!("{}: {fault}", path.display())),
        );
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn nothing_outside_consensus_knows_which_engine_runs() {
    let mut found = Vec::new();
    for folder in ["full-node/src", "light-client/src"] {
        for (path, module, _) in sources(&root().join(folder)) {
            let engines = engines(&fs::read_to_string(&path).unwrap());
            if !engines.is_empty() && module != "consensus" && module != FOR_TESTS {
                found.push(path.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    found.sort_unstable();
    assert_eq!(found, NAME_ENGINES.map(|(file, _)| file), "who names an engine, and who has a reason to");
}

#[test]
fn planted_faults_are_found() {
    let found = |module: &str, depth: usize, source: &str| faults(module, depth, source).len();
    assert_eq!(found("state", 2, "use crate::client::Client;"), 1);
    assert_eq!(found("state", 2, "use crate::{\n    crypto::{Domain, Hash},\n    client::Client,\n};"), 1);
    assert_eq!(found("state", 2, "fn f() -> crate::consensus::Verdict { todo() }"), 1);
    assert_eq!(found("state", 2, "use super::super::client::Client;"), 1);
    assert_eq!(found("state", 1, "use super::client::Client;"), 1);
    assert_eq!(found("wallet", 2, "use crate::consensus::spos::Table;"), 1);
    assert_eq!(found("query", 2, "use crate::transaction::RULES;"), 1);
    assert_eq!(found("client", 2, "use crate::wallet::Seed;"), 1);
    assert_eq!(found("client", 2, "use crate::test_support::chain::FEE;"), 1);
    assert_eq!(found("client", 2, "async fn f() {}\nuse std::time::Instant;"), 2);
    assert_eq!(found("client", 2, "fn f() { println!(\"x\") }"), 1);

    assert_eq!(
        found("state", 2, "use crate::{crypto::Hash, data_format::{Address, codec}, state::Trie};"),
        0
    );
    assert_eq!(found("wallet", 2, "use crate::transaction::RULES;\nuse super::client::Client;"), 0);
    assert_eq!(found("client", 2, "// std::fs is for hosts; async too\nfn asynchronous() {}"), 0);
    assert_eq!(found("state", 2, "#[cfg(test)]\nmod tests {\n    use crate::client::Client;\n}"), 0);

    assert_eq!(engines("let engine = Spos::new(spec);"), ["Spos"]);
    assert_eq!(engines("if let EngineSpec::Instant(_) = spec.engine {}"), ["EngineSpec"]);
    assert_eq!(engines("let votes = spec.engine.spos().is_some();"), ["spos()"]);
    for knows_none in [
        "use light_client::consensus::spos::Block; // as Spos",
        "fn stake(&self) -> &SposSpec;",
        "#[cfg(test)]\n#[allow(unused)]\nmod tests {\n    use light_client::consensus::Spos;\n}",
    ] {
        assert!(engines(knows_none).is_empty(), "{knows_none}");
    }
}
