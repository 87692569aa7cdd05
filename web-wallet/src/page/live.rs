//! The two pieces with a life of their own in the document: a dialog, and a field whose text never enters Yew's tree.

use web_protocol::Secret;
use web_sys::{Event, HtmlDialogElement, HtmlElement, HtmlInputElement, InputEvent};
use yew::prelude::*;

/// See [`Sheet`].
#[derive(Properties)]
pub(crate) struct SheetProperties {
    /// What it is about, for a screen reader.
    pub(crate) label: AttrValue,
    /// Escape was pressed.
    pub(crate) on_close: Callback<()>,
    /// What is in it.
    pub(crate) children: Html,
}

/// What is in a sheet comes anew with every view: comparing it costs more than drawing it.
impl PartialEq for SheetProperties {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

/// A modal dialog. The browser keeps the focus in it; when it goes, the focus returns to where it was.
#[component]
pub(crate) fn Sheet(properties: &SheetProperties) -> Html {
    let dialog = use_node_ref();
    {
        let dialog = dialog.clone();
        use_effect_with((), move |()| {
            let before = gloo::utils::document().active_element();
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                // Refused only for a dialog that is open already.
                let _shown = dialog.show_modal();
            }
            move || {
                if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                    dialog.close();
                }
                if let Some(Ok(before)) = before.map(wasm_bindgen::JsCast::dyn_into::<HtmlElement>) {
                    // Refused only when it is gone from the page, which is fine.
                    let _focused = before.focus();
                }
            }
        });
    }
    let on_cancel = properties.on_close.reform(|event: Event| event.prevent_default());
    html! {
        <dialog ref={dialog} class="sheet" aria-label={properties.label.clone()} oncancel={on_cancel}>
            { properties.children.clone() }
        </dialog>
    }
}

/// See [`SecretField`].
#[derive(Properties, PartialEq)]
pub(crate) struct SecretFieldProperties {
    /// Its id, for the label.
    pub(crate) id: AttrValue,
    /// What it holds at first; later changes of it are not shown: give it another key then.
    pub(crate) initial: Secret,
    /// Whether it can be read.
    #[prop_or_default]
    pub(crate) legible: bool,
    /// Whether it is wrong.
    #[prop_or_default]
    pub(crate) wrong: bool,
    /// What the browser's password store may do with it.
    #[prop_or(AttrValue::Static("off"))]
    pub(crate) autocomplete: AttrValue,
    /// Whether it takes the focus when it appears.
    #[prop_or_default]
    pub(crate) focus: bool,
    /// Something was typed.
    pub(crate) on_input: Callback<InputEvent>,
    /// Something was pasted; gets the event before the field does.
    #[prop_or_default]
    pub(crate) on_paste: Option<Callback<Event>>,
}

/// A masked field. Its text stays in the element: it is set there by hand and never becomes part of Yew's tree, which does not wipe what it drops.
#[component]
pub(crate) fn SecretField(properties: &SecretFieldProperties) -> Html {
    let field = use_node_ref();
    {
        let (field, initial, focus) = (field.clone(), properties.initial.clone(), properties.focus);
        use_effect_with((), move |()| {
            if let Some(field) = field.cast::<HtmlInputElement>() {
                field.set_value(&initial.0);
                if focus {
                    // Refused only when the field is gone from the page.
                    let _focused = field.focus();
                }
            }
        });
    }
    let kind = if properties.legible { "text" } else { "password" };
    html! {
        <input ref={field} class="input" id={properties.id.clone()} type={kind}
            autocomplete={properties.autocomplete.clone()} autocapitalize="none" autocorrect="off" spellcheck="false"
            aria-invalid={properties.wrong.then_some("true")}
            oninput={properties.on_input.clone()} onpaste={properties.on_paste.clone()} />
    }
}
