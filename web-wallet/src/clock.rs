//! The browser's clock and calendar: the only place that asks for the time.

use js_sys::Date;
use light_client::data_format::Time;
use wasm_bindgen::JsValue;

use crate::words::Local;

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;

/// Now.
pub(crate) fn now() -> Time {
    Time(whole(Date::now()))
}

/// A time in the person's own time zone.
pub(crate) fn local(time: Time) -> Local {
    let date = Date::new(&JsValue::from_f64(milliseconds(time)));
    let ahead_ms = -(date.get_timezone_offset() as i64) * MINUTE_MS;
    let wall = i64::try_from(time.0).unwrap_or(i64::MAX).saturating_add(ahead_ms);
    Local {
        year: date.get_full_year(),
        month: date.get_month() + 1,
        day: date.get_date(),
        hour: date.get_hours(),
        minute: date.get_minutes(),
        second: date.get_seconds(),
        days: u64::try_from(wall.div_euclid(DAY_MS)).unwrap_or_default(),
    }
}

/// A browser's milliseconds are whole until the year 287396.
fn milliseconds(time: Time) -> f64 {
    time.0 as f64
}

fn whole(milliseconds: f64) -> u64 {
    milliseconds as u64
}
