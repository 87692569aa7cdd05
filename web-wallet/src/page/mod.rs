//! What is drawn: each screen is a function from the model to Yew's HTML. Nothing here decides anything or holds text; see `state` and `words`.

mod app;
mod history;
mod home;
mod icons;
mod layout;
mod live;
mod more;
mod parts;
mod pay;
mod setup;
mod ui;
mod words_desk;

pub(crate) use app::App;
