//! Icons, drawn for this wallet on a grid of 24.

use light_client::data_format::Address;
use yew::prelude::*;

/// An icon.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    Home,
    History,
    More,
    Out,
    In,
    Start,
    Close,
    Back,
    Check,
    Clock,
    Alert,
    Lock,
    Next,
    Words,
    Network,
    About,
    Eye,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Home => {
                "M4 11.2 12 4l8 7.2V19a1.5 1.5 0 0 1-1.5 1.5h-3.2v-6H8.7v6H5.500A1.5 1.5 0 0 1 4 19z"
            }
            Self::History => "M12 7.500v5l3.2 2M4.3 9.200A8.2 8.2 0 1 1 3.8 12M4 5.200v4.200h4.2",
            Self::More => "M4.5 7h15M4.5 12h15M4.5 17h9",
            Self::Out => "M7 17 17 7M9 7h8v8",
            Self::In => "M17 7 7 17M7 9v8h8",
            Self::Start => "M12 4v16M4 12h16M6.3 6.300l11.4 11.400M17.7 6.3 6.3 17.7",
            Self::Close => "M6.5 6.500l11 11M17.5 6.500l-11 11",
            Self::Back => "M14.5 5.5 8 12l6.5 6.5",
            Self::Check => "M5 12.800l4.6 4.700L19 7",
            Self::Clock => "M12 7v5.300l3.3 2M3.8 12a8.2 8.2 0 1 0 16.4 0 8.2 8.2 0 1 0-16.4 0",
            Self::Alert => "M12 8v5M12 16.400v.1M12 3.5 2.8 19.500h18.400z",
            Self::Lock => "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
            Self::Next => "M9.5 5.5 16 12l-6.5 6.5",
            Self::Words => "M5 4.500h14v15H5zM8.5 9h7M8.5 12.500h7M8.5 16h4",
            Self::Network => {
                "M12 4.500v5M12 9.5 6 15M12 9.500l6 5.500M10 4.500a2 2 0 1 0 4 0 2 2 0 1 0-4 0M3.5 17a2 2 0 1 0 4 0 2 2 0 1 0-4 0M16.5 17a2 2 0 1 0 4 0 2 2 0 1 0-4 0"
            }
            Self::About => "M12 11v5.500M12 7.600v.1M3.8 12a8.2 8.2 0 1 0 16.4 0 8.2 8.2 0 1 0-16.4 0",
            Self::Eye => {
                "M2.8 12S6 6 12 6s9.2 6 9.2 6S18 18 12 18s-9.2-6-9.2-6M9.5 12a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0"
            }
        }
    }
}

/// Draws an icon; what it means is said beside it.
pub(crate) fn icon(icon: Icon) -> Html {
    html! { <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d={icon.path()} /></svg> }
}

/// The seal: a scalloped disc with a tick.
pub(crate) fn seal_mark() -> Html {
    html! {
        <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
            <path class="disc" d="M12 1.800l2.6 2 3.2-.5 1.2 3 3 1.2-.5 3.2 2 2.6-2 2.6.5 3.2-3 1.2-1.2 3-3.2-.5-2.6 2-2.6-2-3.2.5-1.2-3-3-1.2.5-3.2-2-2.6 2-2.6-.5-3.2 3-1.2 1.2-3 3.2.5z" />
            <path class="tick" d="M7.8 13.400l3 3 5.6-6.4" />
        </svg>
    }
}

/// The wallet's own sign: a sheet with a seal on it.
pub(crate) fn brand() -> Html {
    html! {
        <svg class="brand-mark" viewBox="0 0 48 48" aria-hidden="true">
            <rect class="brand-ground" width="48" height="48" rx="14" />
            <path class="brand-v" d="M12 14l9.5 20h3L34 14" />
            <circle class="brand-dot" cx="36" cy="13" r="4.5" />
        </svg>
    }
}

/// A face for an account: four shades out of its address.
pub(crate) fn face(address: Option<&Address>) -> Html {
    let byte = |at: usize| address.map_or(0, |address| address.as_bytes()[at] % 8);
    let tone = |at: usize| classes!("tone", format!("tone-{}", byte(at)));
    html! {
        <svg class="face" viewBox="0 0 28 28" aria-hidden="true">
            <path class={tone(3)} d="M14 14V0A14 14 0 0 1 28 14z" />
            <path class={tone(5)} d="M14 14h14A14 14 0 0 1 14 28z" />
            <path class={tone(7)} d="M14 14v14A14 14 0 0 1 0 14z" />
            <path class={tone(11)} d="M14 14H0A14 14 0 0 1 14 0z" />
        </svg>
    }
}
