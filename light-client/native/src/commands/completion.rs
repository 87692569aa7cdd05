//! `vsys-light completion`: what makes the Tab key work.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Failure, say};

/// `vsys-light completion`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vsys-light completion bash > ~/.local/share/bash-completion/completions/vsys-light
  vsys-light completion zsh > \"${fpath[1]}/_vsys-light\"")]
pub(crate) struct Completion {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run<C: CommandFactory>(completion: &Completion) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(completion.shell, &mut C::command(), "vsys-light", &mut script);
    say(String::from_utf8_lossy(&script).trim_end()).map_err(|error| Failure::output(&error))
}
