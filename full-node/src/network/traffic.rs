use prometheus_client::{encoding::text::encode, registry::Registry};

/// Bytes that went over all connections since the start: messages, their framing and the negotiation of protocols, as they
/// are before encryption. The library counts them where it moves them, and gives them only as text.
#[derive(Debug, Default)]
pub(super) struct Traffic(Registry);

impl Traffic {
    /// Where the library registers its counters.
    pub(super) const fn registry(&mut self) -> &mut Registry {
        &mut self.0
    }

    /// Bytes received and bytes sent. The counters differ by direction and by the kinds of the protocols below, of which there
    /// are a handful.
    pub(super) fn bytes(&self) -> (u64, u64) {
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.0) {
            tracing::debug!(%error, "the counters of bytes cannot be read");
        }
        (sum(&text, "Inbound"), sum(&text, "Outbound"))
    }
}

fn sum(text: &str, direction: &str) -> u64 {
    let label = format!("direction=\"{direction}\"");
    let counters = text.lines().filter(|line| !line.starts_with('#') && line.contains(&label));
    counters.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}
