//! Sentences that stand on more than one screen.

use super::{
    ABOUT, HOW_DO_I_KNOW, NETWORK, NEW_WALLET, PAYMENT, RECEIVE, RESTORE_TITLE, SECURITY, SEND, YOUR_WORDS,
};
use crate::state::{Notice, Route};

pub(crate) const PRODUCT: &str = "V.Systems wallet";
pub(crate) const BRAND: &str = "V.Systems";
pub(crate) const UNIT: &str = "VSYS";
pub(crate) const HOME: &str = "Home";
pub(crate) const HISTORY: &str = "History";
pub(crate) const MORE: &str = "More";
pub(crate) const DETAILS: &str = "Details";
pub(crate) const CLOSE: &str = "Close";
pub(crate) const BACK: &str = "Back";
pub(crate) const CANCEL: &str = "Cancel";
pub(crate) const CONTINUE: &str = "Continue";
pub(crate) const DONE: &str = "Done";
pub(crate) const SEE: &str = "See";
pub(crate) const TRY_AGAIN: &str = "Try the password again";
pub(crate) const OPENING: &str = "Opening your wallet…";
pub(crate) const LINE_DOWN: &str = "The wallet stopped";
pub(crate) const LINE_DOWN_REMEDY: &str = "Load the page again. Your keys and coins are not affected.";

pub(crate) fn line_down(reason: &str) -> String {
    format!("Its working part says: {reason}.")
}

/// The title of the browser's tab.
pub(crate) fn title(route: Route) -> String {
    let name = match route {
        Route::Welcome | Route::Home => return PRODUCT.to_owned(),
        Route::Create(_) => NEW_WALLET,
        Route::Restore(_) => RESTORE_TITLE,
        Route::History | Route::Movement(_) => HISTORY,
        Route::More => MORE,
        Route::Send => SEND,
        Route::Receive => RECEIVE,
        Route::Payment(_) => PAYMENT,
        Route::Proof => HOW_DO_I_KNOW,
        Route::Network => NETWORK,
        Route::Security | Route::Forgot => SECURITY,
        Route::About => ABOUT,
        Route::Phrase(_) => YOUR_WORDS,
    };
    format!("{name} · {PRODUCT}")
}

pub(crate) fn notice(notice: Notice) -> &'static str {
    match notice {
        Notice::Copied => "Address copied",
        Notice::NotCopied => {
            "This browser does not let the wallet copy: mark the address and copy it yourself"
        }
        Notice::BackedUp => "Your words are checked",
        Notice::Locked => "Locked",
        Notice::Unlocked => "Unlocked for as long as you use it, and five minutes more",
        Notice::Erased => "The wallet is gone from this browser",
    }
}
