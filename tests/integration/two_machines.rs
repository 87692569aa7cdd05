//! `www/book/two-machines.md` works as it is written: its commands run on two machines, each a network namespace with a
//! cable to the other, and what they print is what it says.
//!
//! Lines in fenced `console` blocks that begin with `first$ ` or `second$ ` are commands of that machine; the lines after
//! them are what it printed, where `…` stands for anything. Making namespaces takes the rights of root: who runs the tests
//! without them says so with [`WAIVED`], and then only the page is read.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use integration_tests::paths::{node_program, root};

/// How long a command may take: it waits for rounds.
const PATIENCE: Duration = Duration::from_secs(180);
/// Set it to anything to go without the machines.
const WAIVED: &str = "VSYS_TEST_WITHOUT_NAMESPACES";
const END: &str = "--the-command-has-ended--";

struct Step {
    machine: usize,
    command: String,
    output: Vec<String>,
}

/// The commands of the page, in order.
fn steps(page: &str) -> Vec<Step> {
    let (mut steps, mut inside) = (Vec::<Step>::new(), false);
    for line in page.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside {
            let typed = [("first$ ", 0), ("second$ ", 1)];
            let typed =
                typed.iter().find_map(|(prompt, machine)| Some((line.strip_prefix(prompt)?, *machine)));
            match (typed, steps.last_mut()) {
                (Some((command, machine)), _) => {
                    steps.push(Step { machine, command: command.to_owned(), output: Vec::new() });
                }
                (None, Some(step)) => step.output.push(line.to_owned()),
                (None, None) => panic!("output before any command: {line}"),
            }
        }
    }
    steps
}

/// Whether a line is what the page says: `…` stands for any text.
fn matches(expected: &str, found: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = parts.next().and_then(|start| found.strip_prefix(start)) else { return false };
    let parts: Vec<&str> = parts.collect();
    for (place, part) in parts.iter().enumerate() {
        if place + 1 == parts.len() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty()
}

/// Whether lines are what the page says: a line of `…` alone stands for any lines.
fn all_match(expected: &[String], found: &[String]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((any, rest)) if any.trim() == "…" => {
            (0..=found.len()).any(|skipped| all_match(rest, &found[skipped..]))
        }
        Some((first, rest)) => {
            found.split_first().is_some_and(|(line, after)| matches(first, line) && all_match(rest, after))
        }
    }
}

/// Two namespaces and the cable between them; gone when dropped, with all that runs in them.
struct Machines {
    names: [String; 2],
    folder: PathBuf,
    shells: Vec<Shell>,
}

struct Shell {
    child: Child,
    input: ChildStdin,
    lines: mpsc::Receiver<String>,
}

fn ip(arguments: &str) -> bool {
    Command::new("ip")
        .args(arguments.split(' '))
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|end| end.success())
}

impl Machines {
    /// `None` without the rights for it.
    fn start(folder: &Path) -> Option<Self> {
        let id = std::process::id();
        let names = [format!("vsys-first-{id}"), format!("vsys-second-{id}")];
        if !ip(&format!("netns add {}", names[0])) {
            return None;
        }
        let mut machines = Self { names, folder: folder.to_owned(), shells: Vec::new() };
        let [first, second] = &machines.names;
        assert!(ip(&format!("netns add {second}")));
        assert!(ip(&format!("link add vs{id}a netns {first} type veth peer name vs{id}b netns {second}")));
        for (name, end, address) in [(first, "a", 1), (second, "b", 2)] {
            assert!(ip(&format!("-n {name} address add 192.0.2.{address}/24 dev vs{id}{end}")));
            assert!(
                ip(&format!("-n {name} link set vs{id}{end} up")) && ip(&format!("-n {name} link set lo up"))
            );
        }
        for (name, home) in machines.names.iter().zip(["first", "second"]) {
            let home = folder.join(home);
            fs::create_dir(&home).unwrap();
            machines.shells.push(Shell::start(name, &home));
        }
        Some(machines)
    }

    /// What the nodes logged.
    fn logs(&self) -> String {
        let read = |path| fs::read_to_string(self.folder.join(path)).unwrap_or_default();
        ["first/net.log", "second/node.log", "second/moved.log"].map(read).join("\n")
    }

    /// What a command printed, and whether it succeeded.
    fn run(&mut self, step: &Step) -> (Vec<String>, bool) {
        let shell = &mut self.shells[step.machine];
        writeln!(shell.input, "{}\necho \"{END}$?\"", step.command).unwrap();
        let mut output = Vec::new();
        loop {
            let line = shell.lines.recv_timeout(PATIENCE);
            let Ok(line) = line else {
                panic!("{} does not end: {output:#?}\n{}", step.command, self.logs())
            };
            match line.strip_prefix(END) {
                Some(code) => return (output, code == "0"),
                None => output.push(line),
            }
        }
    }
}

impl Shell {
    fn start(namespace: &str, home: &Path) -> Self {
        let programs = node_program().parent().unwrap().display();
        let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
        let mut child = Command::new("ip")
            .args(["netns", "exec", namespace, "bash"])
            .current_dir(home)
            .env("PATH", path)
            .env("HOME", home)
            .env_remove("RUST_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"exec 2>&1\n").unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            // Until the shell ends, or nobody listens.
            for line in output.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, input, lines }
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for name in &self.names {
            let inside = Command::new("ip").args(["netns", "pids", name]).output();
            let inside = inside.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            let ids = inside.unwrap_or_default();
            if ids.split_whitespace().next().is_some() {
                drop(Command::new("kill").arg("-KILL").args(ids.split_whitespace()).status());
            }
        }
        for shell in &mut self.shells {
            drop(shell.child.wait());
        }
        for name in &self.names {
            ip(&format!("netns delete {name}"));
        }
    }
}

#[test]
fn the_newcomers_story_works_as_it_is_written() {
    let page = fs::read_to_string(root().join("www/book/two-machines.md")).unwrap();
    let steps = steps(&page);
    assert!(steps.iter().filter(|step| step.machine == 1).count() > 5, "the story is found");
    let folder = tempfile::tempdir().unwrap();
    if std::env::var_os(WAIVED).is_some() {
        eprintln!("the story is read and not run: {WAIVED} is set");
        return;
    }
    let mut machines = Machines::start(folder.path()).unwrap_or_else(|| {
        panic!(
            "cannot make a network namespace: that needs root and the program `ip` (iproute2). \
             Run the tests as root, or set {WAIVED}=1 to go without this one"
        )
    });
    for step in &steps {
        let (printed, succeeded) = machines.run(step);
        assert!(
            succeeded && all_match(&step.output, &printed),
            "{}\nis written to print\n{:#?}\nand printed\n{printed:#?}\n{}",
            step.command,
            step.output,
            machines.logs()
        );
    }
}

#[test]
fn what_is_printed_is_compared() {
    assert!(matches("a … b", "a 12 b") && matches("…", "x") && matches("x", "x") && matches("a…", "a"));
    assert!(!matches("a … b", "a 12 c") && !matches("x", "xy") && !matches("a…b…c", "a c"));
    let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert!(all_match(&lines("a … c"), &lines("a b b c")) && all_match(&lines("…"), &[]));
    assert!(!all_match(&lines("a … c"), &lines("a b")) && !all_match(&[], &lines("a")));
    let page = "```console\nfirst$ one\ntwo\nsecond$ three\n```\n```sh\nfirst$ no\n```\n";
    let found = steps(page);
    assert_eq!((found.len(), found[0].output[0].as_str(), found[1].machine), (2, "two", 1));
}
