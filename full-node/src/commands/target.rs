use std::path::Path;

use clap::Args;
use full_node::config::{self, Failure};
use light_client::crypto::Hash;

/// The running node, and the chain of it, that a command is about.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The node's API
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9922")]
    pub(crate) api: String,
    /// Which chain, if the node runs several: its id, or the file of its spec [default: the first one]
    #[arg(long, value_name = "ID or FILE")]
    pub(crate) chain: Option<String>,
}

impl Target {
    /// Where its paths begin.
    ///
    /// # Errors
    /// If the chain is neither an id nor the file of a spec.
    pub(crate) fn url(&self) -> Result<String, Failure> {
        let api = self.api.trim_end_matches('/');
        let Some(chain) = &self.chain else { return Ok(api.to_owned()) };
        let id = match Hash::from_hex(chain) {
            Some(id) => id,
            None => config::read_spec(Path::new(chain))?.id(),
        };
        Ok(format!("{api}/chains/{id}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where something went wrong")]
mod tests {
    use full_node::config::{development_spec, write_spec};
    use light_client::data_format::Time;

    use super::*;

    #[test]
    fn a_chain_is_named_by_its_id_or_by_its_spec() {
        let folder = tempfile::tempdir().unwrap();
        let (file, spec) = (folder.path().join("spec.toml"), development_spec(Time(1_000)));
        write_spec(&file, &spec).unwrap();
        let url = |chain: Option<String>| Target { api: "http://node:1/".to_owned(), chain }.url();
        assert_eq!(url(None).unwrap(), "http://node:1");
        let below = format!("http://node:1/chains/{}", spec.id());
        assert_eq!(url(Some(spec.id().to_string())).unwrap(), below);
        assert_eq!(url(Some(file.display().to_string())).unwrap(), below);
        let words = url(Some("neither".to_owned())).unwrap_err().to_string();
        assert!(words.contains("neither"), "{words}");
    }
}
