use crate::data_format::{Height, Time};

/// A server, as this client has come to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    url: String,
    health: Health,
    height: Option<Height>,
    failures: u32,
    /// A lie whose sender is being asked which chain it serves.
    suspicion: Option<String>,
    last_lie: Option<String>,
    chain_checked: bool,
    /// It led over changes of holders since it was last asked what is due, or failed.
    has_led: bool,
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
    /// It sent something that cannot be true, and is not asked any more.
    Lying {
        /// What, in words.
        lie: String,
    },
}

const FIRST_PAUSE_MS: u64 = 1_000;
const LONGEST_PAUSE_MS: u64 = 30_000;

impl Server {
    pub(super) const fn new(url: String) -> Self {
        Self {
            url,
            health: Health::Unknown,
            height: None,
            failures: 0,
            suspicion: None,
            last_lie: None,
            chain_checked: false,
            has_led: false,
        }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How it is.
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// The newest final height that it proved.
    pub const fn height(&self) -> Option<Height> {
        self.height
    }

    /// What it last said that could not be true.
    pub fn last_lie(&self) -> Option<&str> {
        self.last_lie.as_deref()
    }

    /// Whether it may ever be asked again without a person's word or a pause.
    pub(super) const fn is_usable(&self) -> bool {
        !matches!(self.health, Health::Lying { .. } | Health::OtherChain { .. })
    }

    /// Whether it may be asked now.
    pub(super) fn may_ask(&self, now: Time) -> bool {
        match &self.health {
            Health::Unknown | Health::Good => true,
            Health::Unreachable { retry_at } | Health::OtherChain { retry_at, .. } => now >= *retry_at,
            Health::Lying { .. } => false,
        }
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

    pub(super) fn proved(&mut self, height: Height) -> bool {
        self.failures = 0;
        self.height = self.height.max(Some(height));
        let changed = self.health != Health::Good;
        self.health = Health::Good;
        changed
    }

    pub(super) fn unreachable(&mut self, now: Time) -> bool {
        self.chain_checked = false;
        self.has_led = false;
        let pause = (FIRST_PAUSE_MS << self.failures.min(8)).min(LONGEST_PAUSE_MS);
        self.failures = self.failures.saturating_add(1);
        let changed = !matches!(self.health, Health::Unreachable { .. });
        self.health = Health::Unreachable { retry_at: now.plus_ms(pause) };
        changed
    }

    pub(super) fn suspect(&mut self, lie: String) {
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
        self.suspicion = None;
        self.height = None;
        self.health = Health::OtherChain { found, retry_at: now.plus_ms(LONGEST_PAUSE_MS / 6) };
    }

    pub(super) fn lied(&mut self, lie: String) {
        self.last_lie = Some(lie.clone());
        self.health = Health::Lying { lie };
    }

    pub(super) fn forgive(&mut self) {
        self.failures = 0;
        self.has_led = false;
        self.suspicion = None;
        self.chain_checked = false;
        self.health = Health::Unknown;
    }
}
