use light_client::crypto::Hash;
use light_client::data_format::TransactionId;

/// Where a person is. It stands behind the `#` of the address bar, so that reload and *back* work; it never holds anything secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// No wallet yet.
    Welcome,
    /// Making a new wallet.
    Create(CreateStage),
    /// Bringing a wallet back from its words.
    Restore(RestoreStage),
    /// Balance and latest movements.
    Home,
    /// All movements.
    History,
    /// What is not needed every day.
    More,
    /// A payment being written.
    Send,
    /// The own address.
    Receive,
    /// How far a payment is.
    Payment(TransactionId),
    /// A movement of the history, by its place.
    Movement(u64),
    /// How do I know?
    Proof,
    /// The servers.
    Network,
    /// Lock, words, erase.
    Security,
    /// Chain and storage.
    About,
    /// The phrase of the present wallet, after the password.
    Phrase(PhraseStage),
    /// The password is lost.
    Forgot,
}

/// Where in making a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CreateStage {
    /// What to know first.
    Rules,
    /// Choosing a password.
    Password,
    /// Writing the words down.
    Words,
    /// Picking them from three.
    Check,
}

/// Where in restoring one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RestoreStage {
    /// Typing the words.
    Words,
    /// Comparing the address.
    Address,
    /// Choosing a password.
    Password,
}

/// Where in looking at one's phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PhraseStage {
    /// One word at a time.
    Words,
    /// Picking them from three.
    Check,
}

/// The three places that everything else lies on top of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    /// [`Route::Home`].
    Home,
    /// [`Route::History`].
    History,
    /// [`Route::More`].
    More,
}

/// The routes without a parameter, with their names behind the `#`.
const NAMED: [(&str, Route); 20] = [
    ("", Route::Home),
    ("welcome", Route::Welcome),
    ("create", Route::Create(CreateStage::Rules)),
    ("create/password", Route::Create(CreateStage::Password)),
    ("create/words", Route::Create(CreateStage::Words)),
    ("create/check", Route::Create(CreateStage::Check)),
    ("restore", Route::Restore(RestoreStage::Words)),
    ("restore/address", Route::Restore(RestoreStage::Address)),
    ("restore/password", Route::Restore(RestoreStage::Password)),
    ("history", Route::History),
    ("more", Route::More),
    ("send", Route::Send),
    ("receive", Route::Receive),
    ("proof", Route::Proof),
    ("network", Route::Network),
    ("security", Route::Security),
    ("about", Route::About),
    ("words", Route::Phrase(PhraseStage::Words)),
    ("words/check", Route::Phrase(PhraseStage::Check)),
    ("forgot", Route::Forgot),
];

impl Route {
    /// Reads what stands in the address bar, with or without `#`; home for what names nothing.
    pub(crate) fn from_hash(hash: &str) -> Self {
        let path = hash.trim_start_matches(['#', '/']);
        if let Some((_, route)) = NAMED.iter().find(|(name, _)| *name == path) {
            return *route;
        }
        match path.split_once('/') {
            Some(("payment", id)) => Hash::from_hex(id).map_or(Self::Home, Self::Payment),
            Some(("movement", index)) => index.parse().map_or(Self::Home, Self::Movement),
            _ => Self::Home,
        }
    }

    /// What stands in the address bar, with `#`.
    pub(crate) fn hash(self) -> String {
        match self {
            Self::Payment(id) => format!("#/payment/{id}"),
            Self::Movement(index) => format!("#/movement/{index}"),
            named => {
                let name = NAMED.iter().find(|(_, route)| *route == named).map_or("", |(name, _)| name);
                format!("#/{name}")
            }
        }
    }

    /// Where *close* leads.
    pub(crate) fn parent(self) -> Self {
        match self {
            Self::Create(CreateStage::Rules) | Self::Restore(RestoreStage::Words) | Self::Welcome => {
                Self::Welcome
            }
            Self::Create(CreateStage::Password) => Self::Create(CreateStage::Rules),
            Self::Create(CreateStage::Words) => Self::Create(CreateStage::Password),
            Self::Create(CreateStage::Check) => Self::Create(CreateStage::Words),
            Self::Restore(RestoreStage::Address) => Self::Restore(RestoreStage::Words),
            Self::Restore(RestoreStage::Password) => Self::Restore(RestoreStage::Address),
            Self::Phrase(PhraseStage::Check) => Self::Phrase(PhraseStage::Words),
            Self::Phrase(PhraseStage::Words) | Self::Forgot => Self::Security,
            Self::Network | Self::Security | Self::About => Self::More,
            Self::Movement(_) => Self::History,
            Self::Home
            | Self::History
            | Self::More
            | Self::Send
            | Self::Receive
            | Self::Proof
            | Self::Payment(_) => Self::Home,
        }
    }

    /// The tab it is, if it is one.
    pub(crate) fn tab(self) -> Option<Tab> {
        match self {
            Self::Home => Some(Tab::Home),
            Self::History => Some(Tab::History),
            Self::More => Some(Tab::More),
            _ => None,
        }
    }

    /// Whether going to `next` is done with a phrase that this place has had the worker read or make.
    pub(crate) fn leaves_phrase(self, next: Self) -> bool {
        matches!(self, Self::Phrase(_) | Self::Create(_) | Self::Restore(_))
            && std::mem::discriminant(&self) != std::mem::discriminant(&next)
    }

    /// Whether it belongs to making or restoring a wallet.
    pub(crate) fn is_setup(self) -> bool {
        matches!(self, Self::Create(_) | Self::Restore(_))
    }
}

impl Tab {
    /// All, in their order.
    pub(crate) const ALL: [Self; 3] = [Self::Home, Self::History, Self::More];

    /// Its route.
    pub(crate) fn route(self) -> Route {
        match self {
            Self::Home => Route::Home,
            Self::History => Route::History,
            Self::More => Route::More,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_survives_the_address_bar() {
        for (_, route) in NAMED {
            assert_eq!(Route::from_hash(&route.hash()), route);
        }
        for route in [Route::Payment(Hash([7; 32])), Route::Movement(36)] {
            assert_eq!(Route::from_hash(&route.hash()), route);
        }
    }

    #[test]
    fn what_names_nothing_is_home() {
        for hash in ["", "#", "#/nowhere", "#/payment/xyz", "#/movement/-1", "#/payment"] {
            assert_eq!(Route::from_hash(hash), Route::Home, "{hash}");
        }
    }

    #[test]
    fn closing_ends_at_a_root() {
        for (_, mut route) in NAMED {
            for _ in 0..5 {
                route = route.parent();
            }
            assert!(matches!(route, Route::Home | Route::Welcome), "{route:?}");
        }
    }
}
