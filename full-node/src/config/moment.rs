//! Moments between TOML's calendar and the chain's milliseconds (proleptic Gregorian, no leap seconds).

use light_client::data_format::Time;
use toml::value::{Date, Datetime, Offset, Time as TimeOfDay};

const MS_PER_DAY: i64 = 86_400_000;

/// A date with time and offset as milliseconds since 1970; `None` if a part is missing or it lies before.
pub(super) fn moment_from_toml(moment: &Datetime) -> Option<Time> {
    let (date, time, offset) = (moment.date?, moment.time?, moment.offset?);
    let minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let seconds =
        i64::from(time.hour) * 3_600 + i64::from(time.minute) * 60 + i64::from(time.second.unwrap_or(0))
            - minutes * 60;
    let ms =
        days_of(date) * MS_PER_DAY + seconds * 1_000 + i64::from(time.nanosecond.unwrap_or(0) / 1_000_000);
    u64::try_from(ms).ok().map(Time)
}

/// Milliseconds since 1970 as a date with time in UTC; the year ends at 9999.
pub(super) fn moment_to_toml(moment: Time) -> Datetime {
    let last = days_of(Date { year: 9_999, month: 12, day: 31 });
    let ms = i64::try_from(moment.0).unwrap_or(i64::MAX).min((last + 1) * MS_PER_DAY - 1);
    let of_day = ms % MS_PER_DAY;
    let part = |value: i64| u8::try_from(value).unwrap_or_default();
    Datetime {
        date: Some(date_of(ms / MS_PER_DAY)),
        time: Some(TimeOfDay {
            hour: part(of_day / 3_600_000),
            minute: part(of_day / 60_000 % 60),
            second: Some(part(of_day / 1_000 % 60)),
            nanosecond: Some(u32::try_from(of_day % 1_000).unwrap_or_default() * 1_000_000),
        }),
        offset: Some(Offset::Z),
    }
}

/// A length of time in its two largest units.
pub(super) fn print_duration(ms: u64) -> String {
    let seconds = ms.div_ceil(1_000);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if days > 0 {
        format!("{days} d {} h", hours % 24)
    } else if hours > 0 {
        format!("{hours} h {} min", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes} min {} s", seconds % 60)
    } else {
        format!("{seconds} s")
    }
}

/// Days from 1970-01-01 to a date. Years are counted from March, so that a leap day is a year's last.
fn days_of(date: Date) -> i64 {
    let (year, month) = match date.month {
        1 | 2 => (i64::from(date.year) - 1, i64::from(date.month) + 9),
        month => (i64::from(date.year), i64::from(month) - 3),
    };
    let before_year = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    before_year + (month * 153 + 2) / 5 + i64::from(date.day) - 1 - DAYS_TO_1970
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

/// The date that is `days` after 1970-01-01, by narrowing down year, month and day.
fn date_of(days: i64) -> Date {
    let latest = |range: std::ops::RangeInclusive<i64>, date: &dyn Fn(i64) -> Date| {
        let (mut low, mut high) = range.into_inner();
        while low < high {
            let middle = low + (high - low + 1) / 2;
            if days_of(date(middle)) <= days { low = middle } else { high = middle - 1 }
        }
        date(low)
    };
    let short = |value: i64| u8::try_from(value).unwrap_or(u8::MAX);
    let start = latest(1970..=9_999, &|year| Date {
        year: u16::try_from(year).unwrap_or(u16::MAX),
        month: 1,
        day: 1,
    });
    let start = latest(1..=12, &|month| Date { month: short(month), ..start });
    latest(1..=31, &|day| Date { day: short(day), ..start })
}

/// A moment for people, such as `2026-01-31T12:00:00Z`.
pub fn print_moment(moment: Time) -> String {
    moment_to_toml(moment).to_string().replace(".0Z", "Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600_000),
            ("2001-09-09T01:46:40Z", 1_000_000_000_000),
            ("2026-11-22T20:49:15.123Z", 1_795_380_555_123),
            ("2100-03-01T00:00:00Z", 4_107_542_400_000),
        ] {
            assert_eq!(moment_from_toml(&text.parse().unwrap()), Some(Time(ms)), "{text}");
            assert_eq!(moment_from_toml(&moment_to_toml(Time(ms))), Some(Time(ms)), "{text}");
        }
        let east = "2001-09-09T03:46:40+02:00".parse().unwrap();
        assert_eq!(moment_from_toml(&east), Some(Time(1_000_000_000_000)));
    }

    #[test]
    fn every_day_has_one_date() {
        for day in (0..60_000).chain([2_932_896]) {
            let date = date_of(day);
            assert_eq!(days_of(date), day, "{date:?}");
            assert!((1..=12).contains(&date.month) && (1..=31).contains(&date.day), "{date:?}");
        }
    }

    #[test]
    fn incomplete_or_early_moments_are_none() {
        for text in ["2026-01-01", "12:00:00", "2026-01-01T12:00:00", "1969-12-31T23:59:59Z"] {
            assert_eq!(moment_from_toml(&text.parse().unwrap()), None, "{text}");
        }
    }
}
