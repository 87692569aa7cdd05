use serde::{Deserialize, Serialize};

use crate::{
    consensus::{Trusted, TrustedCheckpoint, spos::TableError},
    data_format::{ChainSpec, SpecError, json::records},
};

/// The file beside a wallet that says which chain it is for: the spec and a checkpoint. Never an answer of the
/// server whose answers are to be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct ChainFile {
    /// The chain.
    pub spec: ChainSpec,
    /// Where trust starts.
    pub checkpoint: TrustedCheckpoint,
    /// Servers of the chain to ask besides those that the wallet is given: `https://node.example`, without a trailing
    /// slash. Best of different operators; believed nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<String>,
}

records!(ChainFile);

/// Servers in a chain file, at most.
pub const MAX_SERVERS: usize = 16;
/// Bytes of a server's address, at most.
const MAX_URL_BYTES: usize = 1_000;

/// A chain file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFileError {
    /// The spec is not a chain.
    #[error("the chain spec cannot be used: {0}")]
    Spec(#[from] SpecError),
    /// The checkpoint's tables are not tables.
    #[error("the checkpoint cannot be used: {0}")]
    Table(#[from] TableError),
    /// A server's address is none that requests can be appended to, or there are too many.
    #[error(
        "\"{0}\" is no server's address: http:// or https:// and a host, without a trailing slash; at most {MAX_SERVERS}"
    )]
    Server(String),
}

impl ChainFile {
    /// Checks the spec, the checkpoint's tables and the servers' addresses.
    ///
    /// # Errors
    /// [`ChainFileError`] says which of them cannot be used, and why.
    pub fn check(self) -> Result<(ChainSpec, Trusted), ChainFileError> {
        self.spec.check()?;
        let trusted = Trusted::try_from(self.checkpoint)?;
        let beyond = self.servers.get(MAX_SERVERS);
        if let Some(wrong) = beyond.or_else(|| self.servers.iter().find(|url| !is_server(url))) {
            let shown = wrong.chars().filter(|c| !c.is_control()).take(200).collect();
            return Err(ChainFileError::Server(shown));
        }
        Ok((self.spec, trusted))
    }
}

/// Whether requests can be appended to an address.
fn is_server(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    url.len() <= MAX_URL_BYTES
        && !host.is_empty()
        && !host.starts_with(':')
        && path.is_none_or(|path| !path.is_empty() && !path.ends_with('/'))
        && url
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@' | b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::chain::ScriptedChain;

    fn file(servers: Vec<String>) -> ChainFile {
        let chain = ScriptedChain::new(4, Vec::new());
        ChainFile { spec: chain.spec().clone(), checkpoint: chain.checkpoint(), servers }
    }

    #[test]
    fn a_file_may_name_servers_and_need_not() {
        let json = serde_json::to_string(&file(Vec::new())).unwrap();
        assert!(!json.contains("servers"));
        assert_eq!(serde_json::from_str::<ChainFile>(&json).unwrap(), file(Vec::new()));
        let named = file(vec!["https://node.example".to_owned(), "http://[::1]:9922/chains/ab".to_owned()]);
        let json = serde_json::to_string(&named).unwrap();
        assert_eq!(serde_json::from_str::<ChainFile>(&json).unwrap(), named);
        assert!(named.check().is_ok());
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused() {
        let long = format!("http://{}", "a".repeat(MAX_URL_BYTES));
        for url in [
            "",
            "node.example",
            "ftp://node.example",
            "http://",
            "http://x/",
            "http://x?y",
            "http://x#y",
            "http://a@x",
            "http://x/ y",
            "http:///x",
            "http://:80",
            "javascript:alert(1)",
            &long,
        ] {
            let refused = file(vec!["http://x".to_owned(), url.to_owned()]).check();
            assert!(matches!(refused, Err(ChainFileError::Server(_))), "{url}");
        }
        let many = vec!["http://x".to_owned(); MAX_SERVERS + 1];
        assert!(matches!(file(many).check(), Err(ChainFileError::Server(_))));
    }
}
