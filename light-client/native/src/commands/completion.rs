//! `vsys-light completion`: what makes the Tab key work.

use std::io;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

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
pub(crate) fn run<C: CommandFactory>(completion: &Completion) {
    clap_complete::generate(completion.shell, &mut C::command(), "vsys-light", &mut io::stdout());
}
