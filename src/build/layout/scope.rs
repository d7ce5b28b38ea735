//! The scope of one render: what its helpers may reach beyond the template's data.
//!
//! Handlebars gives a helper its parameters and the data, which it clones; the page's HTML
//! and the site cannot travel there. They wait in the rendering thread instead: a render
//! [`enter`]s its scope, helpers ask for [`current`], and the one before comes back when
//! the guard ends, because a shortcode is rendered while its page is.

use std::cell::RefCell;
use std::rc::Rc;

use handlebars::{RenderError, RenderErrorReason};

use crate::build::markdown::Heading;
use crate::build::model::Fields;
use crate::build::trace::List;
use crate::build::world::Reader;
use crate::site::permalink::Permalink;

/// What a render is about.
#[derive(Debug)]
pub struct Scope {
    /// The way to everything that is not here; it is noted.
    pub reader: Reader,
    /// What the template sees of pages.
    pub fields: Fields,
    /// Source of the page that is rendered; none for a list of terms, 404 or a shell.
    pub source: Option<String>,
    /// Encoded path of the output.
    pub url: String,
    /// The page's Markdown as HTML.
    pub content: String,
    /// Its headings.
    pub headings: Vec<Heading>,
    /// The list that this is a list page of, and which one, from 1.
    pub list: Option<(List, usize)>,
    /// Where the first of its list pages lives.
    pub first: Permalink,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Scope>>> = const { RefCell::new(None) };
}

/// Ends the scope, and brings back the one before.
pub struct Inside {
    before: Option<Rc<Scope>>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        let before = self.before.take();
        CURRENT.with(|current| *current.borrow_mut() = before);
    }
}

/// Makes `scope` the current one of this thread until the guard is dropped.
#[must_use]
pub fn enter(scope: Rc<Scope>) -> Inside {
    let before = CURRENT.with(|current| current.borrow_mut().replace(scope));
    Inside { before }
}

/// The scope of the render that is under way.
pub fn current() -> Result<Rc<Scope>, RenderError> {
    CURRENT
        .with(|current| current.borrow().clone())
        .ok_or_else(|| RenderErrorReason::Other("a query outside a render".to_owned()).into())
}
