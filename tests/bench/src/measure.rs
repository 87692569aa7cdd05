//! Taking times, and printing figures.

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub(crate) use light_client::test_support::random::Sequence;
use serde_json::Value;
use tempfile::TempDir;

/// The figures printed so far.
#[derive(Default)]
pub(crate) struct Figures(BTreeMap<String, f64>);

impl Figures {
    /// Prints a figure. Its name must be new: each is printed once.
    pub(crate) fn print(&mut self, name: &str, value: f64, unit: &str) {
        assert!(self.0.insert(name.to_owned(), value).is_none(), "{name} is measured twice");
        // Whole numbers where they tell enough, three places of small ones.
        if value >= 100.0 || value.fract() == 0.0 {
            println!("{name} {value:.0} {unit}");
        } else {
            println!("{name} {value:.3} {unit}");
        }
    }

    /// A figure printed before.
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }
}

/// The median of an odd or even number of values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "nothing was measured");
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// How long something takes.
pub(crate) fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let result = work();
    (began.elapsed(), result)
}

/// The median number of things done in a second, over some passes; a pass does `count` of them.
pub(crate) fn per_second(passes: usize, count: usize, mut pass: impl FnMut()) -> f64 {
    pass(); // warms caches up
    median((0..passes).map(|_| count as f64 / time(&mut pass).0.as_secs_f64()).collect())
}

/// An empty folder that is removed at the end. It is beside the program, on the disk that holds the build: the system's own
/// folder may be in memory.
pub(crate) fn folder() -> Result<TempDir, String> {
    let beside = env::current_exe().map_err(|error| error.to_string())?.with_file_name("bench-data");
    fs::create_dir_all(&beside).map_err(|error| format!("{}: {error}", beside.display()))?;
    TempDir::new_in(&beside).map_err(|error| error.to_string())
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().and_then(Path::parent).expect("a folder in a folder")
}

/// Compressed bytes of a built folder's file, or of all of it, as its report says.
pub(crate) fn gz_bytes(folder: &str, file: Option<&str>) -> Result<f64, String> {
    let path = root().join(folder).join("build.json");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let build: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let bytes = match file {
        None => &build["total_gz_bytes"],
        Some(name) => {
            let files = build["files"].as_array().into_iter().flatten();
            files.into_iter().find(|file| file["path"] == name).map_or(&Value::Null, |file| &file["gz_bytes"])
        }
    };
    bytes.as_f64().ok_or_else(|| format!("{} has no size of {}", path.display(), file.unwrap_or("all")))
}

/// Runs a script that prints `name value unit`, and prints these figures.
pub(crate) fn run_script(
    figures: &mut Figures,
    script: &Path,
    arguments: &[&Path],
    environment: &[(&str, &Path)],
) -> Result<(), String> {
    let output = Command::new("node")
        .arg(script)
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("node: {error}"))?;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [name, value, unit] = fields[..] else { return Err(format!("no figure: {line:?}")) };
        let value = value.parse().map_err(|error| format!("{line:?}: {error}"))?;
        figures.print(name, value, unit);
    }
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{} ended with {}", script.display(), output.status))
    }
}

/// A process that ends with this value.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is fine.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
