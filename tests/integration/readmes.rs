//! What the READMEs and the book name exists: files and folders, make targets, packages, programs and their subcommands.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use integration_tests::paths::{light_program, node_program, root};

/// What there is to name.
struct Known {
    targets: BTreeSet<String>,
    packages: BTreeSet<String>,
    /// By program.
    subcommands: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Known {
    fn new() -> Self {
        let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
        let targets =
            makefile.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.to_owned());
        let programs = [("vsys-node", node_program()), ("vsys-light", light_program())];
        let subcommands = programs.map(|(name, program)| (name, subcommands(program)));
        assert!(subcommands.iter().all(|(_, known)| known.len() > 5), "{subcommands:?}");
        let (targets, subcommands) = (targets.collect(), subcommands.into());
        Self { targets, packages: packages(), subcommands }
    }

    /// What a README at `folder` names that does not exist.
    fn missing(&self, text: &str, folder: &Path) -> Vec<String> {
        let mut missing = Vec::new();
        for code in code_spans(text) {
            let words: Vec<&str> = code.split_whitespace().collect();
            missing.extend(self.missing_commands(&words));
            missing.extend(
                words
                    .iter()
                    .filter(|word| is_path(word))
                    .filter(|word| !exists(word, folder))
                    .map(|word| format!("the path {word}")),
            );
        }
        for link in links(text) {
            let path = link.split('#').next().unwrap();
            if !path.is_empty() && !path.contains("://") && !folder.join(path).exists() {
                missing.push(format!("the link {link}"));
            }
        }
        missing
    }

    fn missing_commands(&self, words: &[&str]) -> Vec<String> {
        let mut missing = Vec::new();
        for (at, pair) in words.windows(2).enumerate() {
            let [first, second] = [pair[0], pair[1]];
            let starts_line = at == 0 || matches!(words[at - 1], "&&" | ";" | "$");
            let unknown = match first {
                "make" if starts_line => !self.targets.contains(second),
                "-p" | "--package" => !self.packages.contains(second),
                program if second.starts_with(|c: char| c.is_ascii_lowercase()) => {
                    self.subcommands.get(program).is_some_and(|known| !known.contains(second))
                }
                _ => false,
            };
            if unknown {
                missing.push(format!("{first} {second}"));
            }
        }
        missing
    }
}

/// What a program's help lists.
fn subcommands(program: &Path) -> BTreeSet<String> {
    let help = Command::new(program).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let names =
        commands.take_while(|line| line.starts_with("  ")).filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

fn packages() -> BTreeSet<String> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.map(|package| package["name"].as_str().unwrap().to_owned()).collect()
}

/// Inline code and the lines of fenced code, without comments. Not of consoles, which a test of their own types in.
fn code_spans(text: &str) -> Vec<String> {
    let (mut spans, mut fenced, mut console) = (Vec::new(), false, false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            console = fenced && line.trim() == "```console";
        } else if fenced {
            let typed = line.split('#').next().filter(|_| !console);
            spans.extend(typed.map(str::to_owned));
        } else {
            spans.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    spans
}

/// The targets of Markdown links and pictures.
fn links(text: &str) -> Vec<String> {
    let starts = text.match_indices("](").map(|(at, _)| &text[at + 2..]);
    starts.filter_map(|rest| rest.split(')').next()).map(str::to_owned).collect()
}

/// Whether a word means a file or folder of this repository: it starts with one of its folders, `./` or `../`.
fn is_path(word: &str) -> bool {
    let Some((first, rest)) = word.split_once('/') else { return false };
    let in_repository = !rest.contains("://") && root().join(first).is_dir();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-{},*".contains(c);
    // What builds make is not there before them.
    let in_repository = in_repository && !["", "target"].contains(&first);
    (in_repository || [".", ".."].contains(&first)) && word.chars().all(plain)
}

/// Whether a path is there, from the README's folder or from the root; `{a,b}` means each, `*` anything.
fn exists(word: &str, folder: &Path) -> bool {
    if let (Some(open), Some(close)) = (word.find('{'), word.find('}')) {
        let each = word[open + 1..close].split(',');
        return each
            .map(|one| format!("{}{one}{}", &word[..open], &word[close + 1..]))
            .all(|one| exists(&one, folder));
    }
    let fixed = word.split('*').next().unwrap();
    let fixed =
        if fixed.len() < word.len() { fixed.rsplit_once('/').map_or("", |(path, _)| path) } else { fixed };
    let fixed = fixed.trim_end_matches(['.', ',']);
    folder.join(fixed).exists() || root().join(fixed).exists()
}

fn readmes() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*README.md", "www/book/*.md"])
        .current_dir(root())
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.lines().map(|path| root().join(path)).filter(|path| path.exists()).collect()
}

#[test]
fn what_readmes_name_exists() {
    let known = Known::new();
    let readmes = readmes();
    assert!(!readmes.is_empty(), "there are READMEs");
    let mut all = Vec::new();
    for path in readmes {
        let text = fs::read_to_string(&path).unwrap();
        let missing = known.missing(&text, path.parent().unwrap());
        all.extend(missing.iter().map(|what| format!("{} names {what}", path.display())));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn what_does_not_exist_is_found() {
    let known = Known::new();
    let missing = |text: &str| known.missing(text, root()).len();
    for wrong in [
        "run `make coffee`",
        "```sh\nmake run && make coffee\n```",
        "`cargo run -p no-such-package`",
        "`vsys-node mine`",
        "`vsys-light mine`",
        "see `light-client/src/no_such_module`",
        "see `tests/make/{run,no_such}.sh`",
        "[here](light-client/no-such-file.md)",
        "![picture](tests/no-such-picture.png)",
    ] {
        assert_eq!(missing(wrong), 1, "{wrong}");
    }
    for right in [
        "run `make test`, which makes sense",
        "```sh\nmake run   # make coffee\n```",
        "`cargo run --release -p full-node -- dev`",
        "`vsys-node dev --ephemeral` and `vsys-node --help`",
        "`vsys-light balance ADDRESS` and `vsys-light --help`",
        "`light-client/src`, `tests/make/{run,test}.sh`, `tests/vectors/*.json`, `target/wallet/x`",
        "[source](light-client/src/lib.rs#L1) [site](https://example.org/x)",
        "`GET /v1/status`, `application/octet-stream`, `and/or`",
    ] {
        assert_eq!(missing(right), 0, "{right}: {:?}", known.missing(right, root()));
    }
}
