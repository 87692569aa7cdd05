//! What a newcomer waits for: the builds of `make run`, from nothing.

use std::{
    env, io,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::measure::{Figures, time};

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let folder = TempDir::new_in(program.parent().unwrap_or(&root)).map_err(|error| error.to_string())?;
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(arguments).env("CARGO_TARGET_DIR", folder.path()).current_dir(&root);
        // Figures alone go to standard output.
        let status = command.stdout(Stdio::from(io::stderr())).status().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("cargo {} failed", arguments.join(" "))) }
    };
    let out = folder.path().join("wallet").display().to_string();
    let (took, built) = time(|| {
        cargo(&["run", "--locked", "--quiet", "--package", "web-bundle", "--", "--out", &out])?;
        cargo(&["build", "--locked", "--package", "full-node", "--bin", "vsys-node"])
    });
    built?;
    figures.print("build.run_fresh.s", took.as_secs_f64(), "s");
    Ok(())
}
