use std::sync::OnceLock;

use super::{
    lies::{Lie, Lies, Sent},
    scene::{Ending, Scene},
};
use crate::client::{Bundle, ProofFailure};

/// What an answer proves: facts as text, the most important first. An answer that leaves something out proves only the
/// first of them.
pub(super) type Check = Box<dyn Fn(&[u8]) -> Result<Vec<String>, ProofFailure> + Send + Sync>;

/// An honest answer, its lies, and what asks for it.
pub struct Message {
    name: String,
    honest: Vec<u8>,
    /// What an honest server sends that is behind.
    behind: Vec<Vec<u8>>,
    /// What nobody asked for like that, and is true.
    also_true: Vec<Vec<u8>>,
    check: Option<Check>,
    may_say_less: bool,
    /// What the honest answer says, and then what the other true ones say.
    said: OnceLock<Vec<Vec<String>>>,
    lies: Vec<Lie>,
    scene: Option<Scene>,
}

/// What came of an answer at the verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is refused, by this rule.
    Refused(String),
    /// It says what the honest answer says.
    Same,
    /// It says less, or what the honest answer said at an earlier final block; what it says is true.
    Less,
    /// It says something else.
    False(String),
}

impl Message {
    /// An honest bundle and the lies about it; every change of its bytes is added.
    pub(super) fn of<B: Bundle>(
        name: impl Into<String>,
        honest: &B,
        mut lies: Lies,
        check: impl Fn(&B) -> Result<Vec<String>, ProofFailure> + Send + Sync + 'static,
    ) -> Self {
        let bytes = honest.to_bytes();
        super::bytes::add(&mut lies, &bytes, B::MAX_BYTES);
        let check: Check = Box::new(move |bytes| check(&B::from_bytes(bytes)?));
        Self { check: Some(check), ..Self::unproven(name, bytes, lies) }
    }

    /// An answer that proves nothing.
    pub(super) fn unproven(name: impl Into<String>, honest: Vec<u8>, lies: Lies) -> Self {
        Self {
            name: name.into(),
            honest,
            behind: Vec::new(),
            also_true: Vec::new(),
            check: None,
            may_say_less: false,
            said: OnceLock::new(),
            lies: lies.into_list(),
            scene: None,
        }
    }

    /// Answers of honest servers that are behind.
    pub(super) fn behind(mut self, answers: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.behind.extend(answers);
        self
    }

    /// Answers that are true, but not what was asked for.
    pub(super) fn also_true(mut self, answers: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.also_true.extend(answers);
        self
    }

    /// It may leave out the last facts; whoever asked sees that it does.
    pub(super) const fn may_say_less(mut self) -> Self {
        self.may_say_less = true;
        self
    }

    /// A client asks for it.
    pub(super) fn asked_in(mut self, scene: Scene) -> Self {
        self.scene = Some(scene);
        self
    }

    /// What it answers.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The lies.
    pub fn lies(&self) -> &[Lie] {
        &self.lies
    }

    /// Lies to a client that asks for it; `None` if none does by itself. A server that is only behind is no liar.
    pub fn play(&self, lie: &Lie) -> Option<Ending> {
        let scene = self.scene.as_ref()?;
        let is_behind = matches!(&lie.sent, Sent::Answer { status: 200, body } if self.behind.contains(body));
        let others = self.behind.iter().chain(&self.also_true);
        Some(scene.play(&lie.sent, is_behind, others))
    }

    /// Gives a body to the verifier; `None` if there is nothing to verify.
    pub fn verify(&self, body: &[u8]) -> Option<Said> {
        let check = self.check.as_ref()?;
        let said = match check(body) {
            Ok(said) => said,
            Err(failure) => return Some(Said::Refused(failure.to_string())),
        };
        let true_ones = self.said.get_or_init(|| {
            let others = self.behind.iter().chain(&self.also_true).filter_map(|answer| check(answer).ok());
            [check(&self.honest).unwrap()].into_iter().chain(others).collect()
        });
        let less = |known: &Vec<String>| *known == said || self.may_say_less && known.starts_with(&said);
        Some(if true_ones[0] == said {
            Said::Same
        } else if true_ones.iter().any(less) {
            Said::Less
        } else {
            Said::False(format!("{said:?} instead of {:?}", true_ones[0]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Questions;

    #[test]
    fn what_is_believed_and_not_true_does_not_go_unnoticed() {
        let honest = Questions(Vec::new());
        let told = |check: fn(&Questions) -> Result<Vec<String>, ProofFailure>| {
            let message = Message::of("gullible", &honest, Lies::about(&honest.to_bytes()), check);
            assert!(message.lies().len() > 40, "{} lies", message.lies().len());
            let lie = Questions(vec![crate::state::Question::Supply]).to_bytes();
            (message.verify(&honest.to_bytes()).unwrap(), message.verify(&lie).unwrap())
        };
        let (honest, lie) = told(|bundle| Ok(vec![format!("{bundle:?}")]));
        assert!(honest == Said::Same && matches!(lie, Said::False(_)), "{lie:?}");
        assert_eq!(told(|_| Ok(vec!["nothing".to_owned()])).1, Said::Same);
        let strict = |bundle: &Questions| match bundle.0.is_empty() {
            true => Ok(Vec::new()),
            false => Err(ProofFailure::OtherQuestions),
        };
        assert!(matches!(told(strict).1, Said::Refused(_)));
    }
}
