use std::fmt;

/// What a peer did wrong. Points decay by [`super::Limits::forgiven_per_minute`]; at
/// [`super::Limits::ban_at`] it is banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A message that cannot be decoded, or is longer than any.
    Garbage,
    /// A block that breaks a rule: it was not checked before it was sent.
    InvalidBlock,
    /// A transaction that no state would make valid: one with a wrong signature, say.
    InvalidTransaction,
    /// A vote with a wrong signature.
    InvalidVote,
    /// More than its budget.
    Flood,
    /// An answer that does not fit the question: headers that are no chain, blocks that were not asked for.
    WrongAnswer,
    /// It says that it has what it does not give.
    FalseTip,
    /// A proof that does not hold: of finality, or of a part of the state.
    FalseProof,
    /// It does not give the part of a state that it said it has.
    HalfSnapshot,
    /// No answer in time.
    Stalled,
    /// It asks or tells without having greeted.
    Unannounced,
    /// It greets again on a connection on which it greeted.
    GreetedAgain,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Garbage,
        Self::InvalidBlock,
        Self::InvalidTransaction,
        Self::InvalidVote,
        Self::Flood,
        Self::WrongAnswer,
        Self::FalseTip,
        Self::FalseProof,
        Self::HalfSnapshot,
        Self::Stalled,
        Self::Unannounced,
        Self::GreetedAgain,
    ];

    /// Its name in the list of bans.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Garbage => "garbage",
            Self::InvalidBlock => "invalid-block",
            Self::InvalidTransaction => "invalid-transaction",
            Self::InvalidVote => "invalid-vote",
            Self::Flood => "flood",
            Self::WrongAnswer => "wrong-answer",
            Self::FalseTip => "false-tip",
            Self::FalseProof => "false-proof",
            Self::HalfSnapshot => "half-snapshot",
            Self::Stalled => "stalled",
            Self::Unannounced => "unannounced",
            Self::GreetedAgain => "greeted-again",
        }
    }

    /// The fault with this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// How bad it is, of 100.
    pub const fn points(self) -> u32 {
        match self {
            // An honest node of these rules never does it.
            Self::InvalidBlock | Self::WrongAnswer | Self::FalseProof => 100,
            Self::Garbage | Self::InvalidVote => 60,
            Self::InvalidTransaction | Self::FalseTip | Self::GreetedAgain => 25,
            // Lines fail, branches are left, and states grow too old to be kept.
            Self::Stalled | Self::HalfSnapshot => 20,
            Self::Unannounced => 10,
            Self::Flood => 2,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Garbage => "it sent what cannot be decoded",
            Self::InvalidBlock => "it sent an invalid block",
            Self::InvalidTransaction => "it sent an invalid transaction",
            Self::InvalidVote => "it sent a vote with a wrong signature",
            Self::Flood => "it sent more than its budget",
            Self::WrongAnswer => "it answered something else than was asked",
            Self::FalseTip => "it says that it has blocks it does not give",
            Self::FalseProof => "it sent a proof that does not hold",
            Self::HalfSnapshot => "it does not give the whole of a state that it says it has",
            Self::Stalled => "it did not answer in time",
            Self::Unannounced => "it did not greet first",
            Self::GreetedAgain => "it greeted again and again",
        })
    }
}
