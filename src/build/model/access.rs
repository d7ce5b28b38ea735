//! For whom pages are: what a page says itself, or else the nearest section above it that says
//! anything.
//!
//! The head of a page is for everybody: its title, its description, what else stands there. What
//! stands below is not, so of a restricted page no list shows the beginning of its text.

use rayon::prelude::*;

use super::page::{Kind, Origin, Page};
use crate::build::front_matter::{body_of, key_place};
use crate::build::texts::Texts;
use crate::site::audience::{Audience, Role};
use crate::site::config::Config;
use crate::site::diagnostic::{Code, Diagnostic, Place};

/// Settles for whom each of `pages` is, which know their sections already.
pub(super) fn settle(pages: &mut [Page], config: &Config, texts: &Texts<'_>, found: &mut Vec<Diagnostic>) {
    if pages.iter().all(|page| page.front.access.is_none()) {
        return;
    }
    let access: Vec<Audience> = pages.par_iter().map(|page| access_of(pages, page)).collect();
    for (page, access) in pages.iter_mut().zip(access) {
        page.access = access;
        page.without_its_text();
    }
    found.extend(pages.iter().filter_map(|page| mistake(page, config, texts)));
}

/// Pages that are not published are for who edits, or for whom their heads say if those are fewer.
pub(super) fn settle_previews(previews: &mut [Page]) {
    for page in previews {
        let is_fewer = page.front.access == Some(Audience::Role(Role::Admin));
        page.access = Audience::Role(if is_fewer { Role::Admin } else { Role::Editor });
    }
}

fn access_of(pages: &[Page], page: &Page) -> Audience {
    let mut at = Some(page);
    while let Some(here) = at {
        if let Some(access) = &here.front.access {
            // What is counted is texts: a list of them is no text.
            let is_list = *access == Audience::Metered && page.kind != Kind::Page;
            return if is_list { Audience::Public } else { access.clone() };
        }
        at = here.parent.map(|id| &pages[id.index()]);
    }
    Audience::Public
}

/// What is wrong with what a page says itself.
fn mistake(page: &Page, config: &Config, texts: &Texts<'_>) -> Option<Diagnostic> {
    let access = page.front.access.as_ref().filter(|access| !access.is_public() && page.origin == Origin::File)?;
    let wrong = |message: String| {
        let file = page.file();
        let place = match texts.of(&file) {
            Ok(text) => key_place(&file, &text, body_of(&text).start, "access"),
            Err(_) => Place::file(file),
        };
        Diagnostic::error(Code::FrontMatter, place, message)
    };
    if !config.edge.accounts {
        let message = format!("`access`: this is for `{access}`, and the site has no accounts");
        return Some(wrong(message).hint("say `edge: { accounts: true }` in littoral.yaml, or `access: public`"));
    }
    let Audience::Tier(wanted) = access else { return None };
    let tiers = config.edge.tiers.all();
    if tiers.contains(wanted) {
        return None;
    }
    let names: Vec<String> = tiers.iter().map(|tier| format!("`{tier}`")).collect();
    let message = format!("`access`: the site has no tier `{wanted}`: `edge.tiers` names {}", names.join(", "));
    Some(wrong(message).near(wanted.as_str(), tiers.iter().map(|tier| tier.as_str())))
}
