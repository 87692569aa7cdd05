use std::collections::VecDeque;

use super::{lie::Lie, step::Step};
use crate::{
    client::Trusted,
    data_format::{BlockId, Height, Time},
};

/// A server, as this client has come to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    url: String,
    operator: String,
    health: Health,
    failures: u32,
    /// How long its answers take, in milliseconds: an average in which the newest counts a quarter.
    latency_ms: Option<u64>,
    /// A lie whose sender is being asked which chain it serves.
    suspicion: Option<Lie>,
    lie: Option<Lie>,
    chain_checked: bool,
    /// It led over changes of holders since it was last asked what is due, or failed.
    has_led: bool,
    /// It said that it does not know the block that is trusted: it is asked from what it proved itself.
    own_way: bool,
    /// Since when it has proven nothing from the trusted block.
    absent_since: Option<Time>,
    /// When it last proved something from the trusted block.
    proved_at: Option<Time>,
    /// The final blocks that it proved last, the newest at the end.
    steps: VecDeque<Step>,
    /// The last of them that is known to be on another server's chain, or was asked about.
    compared: Option<BlockId>,
}

/// How a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Not asked yet.
    Unknown,
    /// Its last answer was proven.
    Good,
    /// It does not answer; asked again after a pause.
    Unreachable {
        /// Not before.
        retry_at: Time,
    },
    /// It says that it serves another chain.
    OtherChain {
        /// The chain id it claims.
        found: String,
        /// Not asked before.
        retry_at: Time,
    },
    /// It sent something that cannot be true, and is not asked any more. [`Server::lie`] is the proof.
    Lying {
        /// What, in words.
        lie: String,
    },
}

const FIRST_PAUSE_MS: u64 = 1_000;
const LONGEST_PAUSE_MS: u64 = 30_000;
/// What is assumed of a server that never answered.
const UNKNOWN_LATENCY_MS: u64 = 500;
/// Final blocks of one server that are remembered, to be compared with another's.
const STEPS: usize = 16;
/// A server whose addresses are not given to others before it has been absent for so long.
const AWAITED_MS: u64 = 5_000;

impl Server {
    pub(super) fn new(url: String) -> Self {
        Self {
            operator: host(&url),
            url,
            health: Health::Unknown,
            failures: 0,
            latency_ms: None,
            suspicion: None,
            lie: None,
            chain_checked: false,
            has_led: false,
            own_way: false,
            absent_since: None,
            proved_at: None,
            steps: VecDeque::new(),
            compared: None,
        }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Who runs it: the host in its address. Hosts that differ count as operators that differ; that they are is in the
    /// hands of whoever chose the servers.
    pub fn operator(&self) -> &str {
        &self.operator
    }

    /// How it is.
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// The newest final height that it proved.
    pub fn height(&self) -> Option<Height> {
        self.lead().map(|lead| lead.height)
    }

    /// How long its answers take, in milliseconds, on average.
    pub const fn latency_ms(&self) -> Option<u64> {
        self.latency_ms
    }

    /// What it last sent that cannot be true, with the proof.
    pub const fn lie(&self) -> Option<&Lie> {
        self.lie.as_ref()
    }

    /// What it last said that could not be true, in words.
    pub fn last_lie(&self) -> Option<&str> {
        self.lie.as_ref().map(|lie| lie.words.as_str())
    }

    /// What stands for it where its address would be too long: the same in every session.
    pub(super) fn name(&self) -> u64 {
        scattered(mixed(0, self.url.as_bytes()))
    }

    /// The lower the better: how long an answer takes, doubled for every failure in a row.
    pub(super) fn score(&self) -> u64 {
        let doubled = self.latency_ms.unwrap_or(UNKNOWN_LATENCY_MS).max(1) << self.failures.min(8);
        if self.own_way { doubled << 8 } else { doubled }
    }

    /// Whether it may ever be asked again without a person's word or a pause.
    pub(super) const fn is_usable(&self) -> bool {
        !matches!(self.health, Health::Lying { .. } | Health::OtherChain { .. })
    }

    /// Whether it may be asked now.
    pub(super) fn may_ask(&self, now: Time) -> bool {
        match &self.health {
            Health::Unknown | Health::Good => true,
            Health::Unreachable { retry_at } | Health::OtherChain { retry_at, .. } => {
                retry_at.is_over(LONGEST_PAUSE_MS, now)
            }
            Health::Lying { .. } => false,
        }
    }

    /// Whether it may be asked now for facts about the chain as it is trusted.
    pub(super) fn may_prove(&self, now: Time) -> bool {
        self.may_ask(now) && !self.own_way
    }

    /// Whether those whose home it is wait for it. It may be a moment behind, or its line broken for a moment.
    pub(super) fn is_awaited(&self, now: Time) -> bool {
        let waits = |since: Time| since <= now && now.ms_since(since) < AWAITED_MS;
        self.is_usable() && self.absent_since.is_none_or(waits)
    }

    /// Whether it proved something since another one is absent: else it may be the network that is gone.
    pub(super) fn is_better_than(&self, absent: &Self) -> bool {
        let since = absent.absent_since.filter(|_| absent.is_usable());
        since.is_none_or(|since| self.proved_at.is_some_and(|at| at >= since))
    }

    /// Whether it has to say first which chain it serves.
    pub(super) const fn chain_unchecked(&self) -> bool {
        !self.chain_checked
    }

    /// Whether it led over changes of holders since it was last asked what is due, or failed.
    pub(super) const fn has_led(&self) -> bool {
        self.has_led
    }

    pub(super) const fn led(&mut self) {
        self.has_led = true;
    }

    /// Time went on: it may lead again. Not sooner, or one that proves a little would be asked to lead without end.
    pub(super) const fn may_lead(&mut self) {
        self.has_led = false;
    }

    /// Whether it is asked from what it proved itself, because it does not know what is trusted.
    pub(super) const fn goes_own_way(&self) -> bool {
        self.own_way
    }

    /// It does not know the block that it was asked from: neither the trusted one, nor then what it proved itself.
    /// Each time it is asked again later, until it proves something from the trusted one.
    pub(super) fn does_not_know(&mut self, now: Time) {
        self.failures = self.failures.saturating_add(1);
        if self.own_way {
            self.steps.clear();
            self.compared = None;
        }
        self.own_way = true;
        self.is_absent(now);
    }

    /// It helps nobody now.
    pub(super) fn is_absent(&mut self, now: Time) {
        self.absent_since = self.absent_since.or(Some(now));
    }

    /// The newest final block that it proved.
    pub(super) fn lead(&self) -> Option<&Trusted> {
        self.steps.back().map(|step| &step.block)
    }

    /// The final blocks that it proved last.
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> + Clone {
        self.steps.iter()
    }

    /// Its newest final block, if it was not compared with another server's yet.
    pub(super) fn uncompared(&self) -> Option<&Trusted> {
        self.lead().filter(|lead| self.compared != Some(lead.id))
    }

    pub(super) const fn compared(&mut self, id: BlockId) {
        self.compared = Some(id);
    }

    /// Remembers a final block that it proved.
    pub(super) fn stepped(&mut self, step: Step, trusted: &Trusted) {
        if !trusted.is_after(&step.block) {
            self.own_way = false;
        }
        if self.lead().is_none_or(|lead| step.block.is_after(lead)) {
            if self.steps.len() == STEPS {
                self.steps.pop_front();
            }
            self.steps.push_back(step);
        }
    }

    /// An answer of it was proven, from the trusted block or from what it proved itself before.
    pub(super) fn proved(&mut self, took_ms: u64, from_trusted: bool, now: Time) -> bool {
        if from_trusted {
            self.failures = 0;
            self.absent_since = None;
            self.proved_at = Some(now);
        }
        self.latency_ms = Some(self.latency_ms.map_or(took_ms, |known| (3 * known + took_ms) / 4));
        let changed = self.health != Health::Good;
        self.health = Health::Good;
        changed
    }

    /// It does not answer. It is asked again after a pause that doubles, by chance up to half as long: or all who ask a
    /// server would come back to it at once.
    pub(super) fn unreachable(&mut self, now: Time) -> bool {
        self.chain_checked = false;
        self.has_led = false;
        // Whoever does not say which chain it serves may be no server at all, but a page of the network's.
        self.suspicion = None;
        let retry_at = now.plus_ms(self.pause(now));
        self.failures = self.failures.saturating_add(1);
        self.is_absent(now);
        let changed = !matches!(self.health, Health::Unreachable { .. });
        self.health = Health::Unreachable { retry_at };
        changed
    }

    /// How long to wait for it now.
    pub(super) fn pause(&self, now: Time) -> u64 {
        let pause = (FIRST_PAUSE_MS << self.failures.min(8)).min(LONGEST_PAUSE_MS);
        pause - self.chance(now) % (pause / 2)
    }

    /// A number that other clients do not have at the same time: when it was that somebody had to wait differs.
    pub(super) fn chance(&self, now: Time) -> u64 {
        scattered(now.0 ^ self.name())
    }

    pub(super) fn suspect(&mut self, lie: Lie) {
        self.suspicion = Some(lie);
        self.chain_checked = false;
    }

    /// It says that it serves our chain: a suspicion is confirmed then.
    pub(super) fn is_of_our_chain(&mut self) -> bool {
        self.chain_checked = true;
        if matches!(self.health, Health::OtherChain { .. }) {
            self.health = Health::Unknown;
        }
        match self.suspicion.take() {
            Some(lie) => {
                self.lied(lie);
                true
            }
            None => false,
        }
    }

    pub(super) fn is_of_another_chain(&mut self, found: String, now: Time) {
        self.forget_chain();
        self.health = Health::OtherChain { found, retry_at: now.plus_ms(LONGEST_PAUSE_MS / 6) };
    }

    /// It is not asked any more.
    pub(super) fn lied(&mut self, lie: Lie) {
        self.health = Health::Lying { lie: lie.words.clone() };
        self.lie = Some(lie);
    }

    /// Its pause is over. One that lied stays out.
    pub(super) fn wake(&mut self) {
        (self.absent_since, self.proved_at) = (None, None);
        if matches!(self.health, Health::Unreachable { .. } | Health::OtherChain { .. }) {
            self.failures = 0;
            self.chain_checked = false;
            self.health = Health::Unknown;
        }
    }

    /// It may be asked anew. What it sent that was not true is kept.
    pub(super) fn forgive(&mut self) {
        self.failures = 0;
        self.absent_since = None;
        self.has_led = false;
        self.suspicion = None;
        self.chain_checked = false;
        self.health = Health::Unknown;
    }

    /// What it proved of the chain counts no more.
    pub(super) fn forget_chain(&mut self) {
        self.suspicion = None;
        self.own_way = false;
        self.steps.clear();
        self.compared = None;
    }
}

/// The host in an address, in the one way to write it.
fn host(url: &str) -> String {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    let host = rest.split('/').next().unwrap_or(rest);
    // An IPv6 address stands in brackets and has colons of its own.
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// A number that depends on another one and on every byte.
pub(super) fn mixed(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |sum, byte| scattered(sum ^ u64::from(*byte)))
}

/// Mixes the bits of a number (the finaliser of SplitMix64).
pub(super) const fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_is_the_host() {
        for (url, operator) in [
            ("http://127.0.0.1:9922", "127.0.0.1"),
            ("https://node.example", "node.example"),
            ("https://node.example/chains/ab", "node.example"),
            ("https://node.example:443/x", "node.example"),
            ("http://[::1]:9922", "[::1]"),
            ("http://[::1]", "[::1]"),
            ("https://Node.Example.:443", "node.example"),
        ] {
            assert_eq!(Server::new(url.to_owned()).operator(), operator, "{url}");
        }
    }

    #[test]
    fn pauses_double_and_differ_between_clients() {
        let mut pauses = Vec::new();
        for client in 0..50 {
            let mut server = Server::new("http://one".to_owned());
            let mut now = Time(1_700_000_000_000 + client);
            let mut of_client = Vec::new();
            for failure in 0..8 {
                server.unreachable(now);
                let Health::Unreachable { retry_at } = *server.health() else { panic!("it does not answer") };
                let (pause, longest) = (retry_at.ms_since(now), (1_000 << failure).min(30_000));
                assert!(pause > longest / 2 && pause <= longest, "failure {failure}: {pause} ms");
                assert!(!server.may_ask(now.plus_ms(pause - 1)) && server.may_ask(retry_at));
                assert!(
                    server.may_ask(Time(now.0 - 3_600_000)),
                    "a clock that was set back makes nobody wait"
                );
                of_client.push(pause);
                now = retry_at;
            }
            pauses.push(of_client);
        }
        for failure in 0..8 {
            let mut different: Vec<u64> = pauses.iter().map(|pauses| pauses[failure]).collect();
            different.sort_unstable();
            different.dedup();
            assert!(different.len() > 40, "failure {failure}: {} different pauses of 50", different.len());
        }
    }

    #[test]
    fn whoever_answers_faster_and_fails_less_is_better() {
        let server = |took: &[u64], failures: u32| {
            let mut server = Server::new("http://one".to_owned());
            for took in took {
                server.proved(*took, true, Time(0));
            }
            for _ in 0..failures {
                server.unreachable(Time(0));
            }
            server.score()
        };
        assert!(server(&[100], 0) < server(&[200], 0));
        assert!(server(&[100, 100, 100], 0) < server(&[100, 100, 500], 0), "what comes late is felt");
        assert!(server(&[900, 100, 100, 100], 0) < server(&[900], 0), "and forgotten");
        assert!(server(&[100], 3) > server(&[700], 0));
    }
}
