//! Times and durations as they are shown.

use super::plural;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A time on the wall of the person: the calendar of their own time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Local {
    /// Such as 2026.
    pub(crate) year: u32,
    /// From 1.
    pub(crate) month: u32,
    /// From 1.
    pub(crate) day: u32,
    /// 0 to 23.
    pub(crate) hour: u32,
    /// 0 to 59.
    pub(crate) minute: u32,
    /// 0 to 59.
    pub(crate) second: u32,
    /// Days since some day long ago, to tell yesterday.
    pub(crate) days: u64,
}

/// `4 s ago`, `3 min ago`, `5 h ago`, `2 days ago`, from milliseconds.
pub(crate) fn age(ms: u64) -> String {
    match ms / 1_000 {
        0 => "just now".to_owned(),
        seconds => format!("{} ago", duration(seconds)),
    }
}

/// `8 s`, `20 min`, `5 h`, `2 days`, from seconds.
pub(crate) fn duration(seconds: u64) -> String {
    match seconds {
        0..90 => format!("{seconds} s"),
        90..5_400 => format!("{} min", (seconds + 30) / 60),
        5_400..129_600 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => plural((seconds + 43_200) / 86_400, "day", "days"),
    }
}

/// `14:06:11`
pub(crate) fn clock(at: Local) -> String {
    format!("{:02}:{:02}:{:02}", at.hour, at.minute, at.second)
}

/// `Today 14:02`, `Yesterday 11:40`, `12 May 14:02`, `12 May 2024 14:02`
pub(crate) fn day_and_clock(at: Local, now: Local) -> String {
    let day = match now.days.checked_sub(at.days) {
        Some(0) => "Today".to_owned(),
        Some(1) => "Yesterday".to_owned(),
        _ if at.year == now.year => format!("{} {}", at.day, name(at.month)),
        _ => format!("{} {} {}", at.day, name(at.month), at.year),
    };
    format!("{day} {:02}:{:02}", at.hour, at.minute)
}

/// `May`, `May 2024`
pub(crate) fn month(at: Local, now: Local) -> String {
    if at.year == now.year { name(at.month).to_owned() } else { format!("{} {}", name(at.month), at.year) }
}

fn name(month: u32) -> &'static str {
    let index = month.saturating_sub(1) as usize;
    MONTHS.get(index).copied().unwrap_or_default()
}

/// `today 14:02`, as it stands within a sentence.
pub(crate) fn within(day_and_clock: &str) -> String {
    for (start, small) in [("Today", "today"), ("Yesterday", "yesterday")] {
        if let Some(rest) = day_and_clock.strip_prefix(start) {
            return format!("{small}{rest}");
        }
    }
    day_and_clock.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Local = Local { year: 2026, month: 5, day: 14, hour: 14, minute: 6, second: 3, days: 20_587 };

    #[test]
    fn ages_grow_in_words() {
        for (seconds, words) in [
            (4, "4 s ago"),
            (89, "89 s ago"),
            (100, "2 min ago"),
            (3_600, "60 min ago"),
            (7_200, "2 h ago"),
            (86_400 * 3, "3 days ago"),
        ] {
            assert_eq!(age(seconds * 1_000), words);
        }
        assert_eq!(age(999), "just now");
    }

    #[test]
    fn days_have_names() {
        let at = |year, month, day, days| Local { year, month, day, days, ..NOW };
        assert_eq!(day_and_clock(NOW, NOW), "Today 14:06");
        assert_eq!(day_and_clock(at(2026, 5, 13, 20_586), NOW), "Yesterday 14:06");
        assert_eq!(day_and_clock(at(2026, 2, 1, 20_485), NOW), "1 February 14:06");
        assert_eq!(day_and_clock(at(2024, 2, 1, 19_754), NOW), "1 February 2024 14:06");
        // A clock that runs ahead names the day, not "today".
        assert_eq!(day_and_clock(at(2026, 5, 15, 20_588), NOW), "15 May 14:06");
        assert_eq!(month(NOW, NOW), "May");
        assert_eq!(clock(NOW), "14:06:03");
    }
}
