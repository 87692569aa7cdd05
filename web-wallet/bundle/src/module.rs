//! One module: from cargo's WASM file to the JavaScript and WASM that a browser loads.

use std::fs;
use std::path::Path;
use std::process::Command;

use wasm_bindgen_cli_support::Bindgen;

use crate::compile::Compiled;
use crate::error::BundleError;
use crate::names::Names;
use crate::site::{self, Files};

/// The shrinking tool, from the npm package `binaryen`.
const OPTIMIZER: &str = "tests/browser/node_modules/binaryen/bin/wasm-opt";

/// Its arguments: for size, once more after the control flow was made anew, then what rustc emits for this target without being asked. Browsers of 2023 and later know all of it.
/// Nothing lies in the first kilobyte: rustc puts the stack first in memory, and there it would end.
const OPTIMIZER_ARGUMENTS: [&str; 14] = [
    "--low-memory-unused",
    "-Oz",
    "--flatten",
    "--rereloop",
    "-Oz",
    "--converge",
    "--strip-debug",
    "--strip-producers",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Raised when this file does something else with the same input.
const RECIPE: u32 = 5;

/// The hash of what a finished folder was made of.
const STAMP: &str = "made-of";

/// Makes the files of `compiled`, or takes them from `work` when they are of this very input.
pub(crate) fn finish(root: &Path, compiled: &Compiled, work: &Path) -> Result<Files, BundleError> {
    let optimizer = root.join(OPTIMIZER);
    let version = optimizer.with_file_name("../package.json");
    let mut made_of = blake3::Hasher::new();
    made_of.update(&fs::read(&compiled.path).map_err(BundleError::file(&compiled.path))?);
    made_of.update(&fs::read(&version).map_err(|_| BundleError::NoOptimizer { path: optimizer.clone() })?);
    made_of.update(OPTIMIZER_ARGUMENTS.join(" ").as_bytes());
    made_of.update(&RECIPE.to_le_bytes());
    let made_of = made_of.finalize().to_hex().to_string();

    let stamp = work.join(STAMP);
    if !fs::read_to_string(&stamp).is_ok_and(|found| found == made_of) {
        site::clear(work)?;
        bind(compiled, &made_of, work)?;
        shrink(&optimizer, &work.join(format!("{}_bg.wasm", compiled.name)))?;
        fs::write(&stamp, made_of).map_err(BundleError::file(&stamp))?;
    }
    let mut files = site::read(work)?;
    files.remove(Path::new(STAMP));
    Ok(files)
}

/// Makes the JavaScript side, as an ES module: of a program one that starts itself and knows what it was `made_of`, of a library one with types.
fn bind(compiled: &Compiled, made_of: &str, out: &Path) -> Result<(), BundleError> {
    let refused = |error| BundleError::Bindgen { path: compiled.path.clone(), reason: format!("{error:#}") };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&compiled.path).out_name(compiled.name).typescript(!compiled.is_program);
    bindgen.omit_default_module_path(false).remove_name_section(true).remove_producers_section(true);
    bindgen.web(true).map_err(refused)?.generate(out).map_err(refused)?;

    let path = out.join(format!("{}.js", compiled.name));
    let generated = fs::read_to_string(&path).map_err(BundleError::file(&path))?;
    // No text in it spans lines, so what a line begins with can go, and lines that only explain: a tenth of the download.
    let lines = generated.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
    let mut script: String = lines.flat_map(|line| [line, "\n"]).collect();
    if compiled.is_program {
        // A page may run no inline script, so the module calls its own default export instead of being called: one file and one round trip less
        // than a second script.
        let (name, build) = (compiled.name, &made_of[..16]);
        script.push_str(&format!("import start from \"./{name}.js\";\nself.build=\"{build}\";\nstart();\n"));
    }
    fs::write(&path, script).map_err(BundleError::file(&path))?;
    let names = Names::of(&generated);
    for (path, mut bytes) in site::read(out)? {
        names.replace(&mut bytes);
        let path = out.join(path);
        fs::write(&path, bytes).map_err(BundleError::file(&path))?;
    }
    Ok(())
}

fn shrink(optimizer: &Path, wasm: &Path) -> Result<(), BundleError> {
    let status = Command::new("node")
        .arg(optimizer)
        .args(OPTIMIZER_ARGUMENTS)
        .args([wasm.as_os_str(), "-o".as_ref(), wasm.as_os_str()])
        .status()
        .map_err(|cause| BundleError::Program { program: "node", cause })?;
    if status.success() { Ok(()) } else { Err(BundleError::Failed { program: "wasm-opt" }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_optimizer_is_named_with_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.wasm");
        fs::write(&path, b"\0asm").unwrap();
        let error =
            finish(root.path(), &Compiled { name: "a", path, is_program: true }, &root.path().join("work"))
                .unwrap_err();
        assert!(matches!(error, BundleError::NoOptimizer { .. }));
        assert!(error.to_string().contains("npm ci"), "{error}");
    }
}
