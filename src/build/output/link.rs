//! Links: where a destination written in Markdown leads.
//!
//! Tried in this order: a Markdown file of the site, a file beside the page, a path of the
//! site. What has a scheme leads outside and is left alone. Anchors are checked when every
//! page has been rendered and its headings are known.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::plan::{Plan, Subject};
use crate::build::model::{Page, Site};
use crate::site::permalink::{encode_path, join};
use crate::site::reserved;

/// Where a destination leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Out of the site, or nowhere in particular: left as it is written.
    Outside,
    /// A path of the site, and an anchor to be checked on the page there.
    Inside {
        /// What to write instead.
        url: String,
        /// Decoded path of the output.
        path: String,
        /// What stands behind `#`, decoded.
        anchor: Option<String>,
    },
    /// Nowhere, with what is wrong and perhaps a hint.
    Broken {
        /// What was found.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

/// Where `destination`, written in `page`, leads.
pub fn resolve(site: &Site, plan: &Plan, page: &Page, destination: &str) -> Target {
    if leads_outside(destination) {
        return Target::Outside;
    }
    let (before_anchor, anchor) =
        destination.split_once('#').map_or((destination, None), |(path, anchor)| (path, Some(anchor)));
    let (path, query) =
        before_anchor.split_once('?').map_or((before_anchor, None), |(path, query)| (path, Some(query)));
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let found =
        if path.is_empty() { Some(page.permalink.as_str().to_owned()) } else { find(site, plan, page, &decoded) };
    let Some(found) = found else { return broken(site, plan, page, &decoded) };
    let mut url = if path.is_empty() { String::new() } else { encode_path(&found) };
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
    let anchor = anchor.map(|anchor| {
        url.push('#');
        url.push_str(anchor);
        percent_decode_str(anchor).decode_utf8_lossy().into_owned()
    });
    Target::Inside { url, path: found, anchor: anchor.filter(|anchor| !anchor.is_empty()) }
}

fn find(site: &Site, plan: &Plan, page: &Page, path: &str) -> Option<String> {
    let from_content = path.strip_prefix("@/").or_else(|| path.strip_prefix('/'));
    let source: Option<Cow<'_, str>> = match from_content {
        Some(rest) => Some(rest.into()),
        None => join(page.folder(), path).map(Cow::Owned),
    };
    if let Some(source) = &source {
        let source = source.trim_end_matches('/');
        if let Some(id) = site.by_source(source) {
            return Some(site.page(id).permalink.as_str().to_owned());
        }
        if let Some(file) = site.files.get(&format!("content/{source}")) {
            return Some(file.clone());
        }
    }
    let in_site = match path.strip_prefix('/') {
        Some(_) => Some(path.to_owned()),
        None => join(page.permalink.as_str(), path).map(|joined| format!("/{joined}")),
    };
    let known = |path: &str| match plan.at(path) {
        Some(Subject::Alias(to)) => Some(to.as_str().to_owned()),
        Some(_) => Some(path.to_owned()),
        None => (reserved::claimed(path).is_some() || plan.routes.answer(path)).then(|| path.to_owned()),
    };
    if let Some(in_site) = &in_site {
        let without = in_site.trim_end_matches('/');
        let found = known(in_site).or_else(|| known(&format!("{without}/"))).or_else(|| known(without));
        if found.is_some() {
            return found;
        }
    }
    // A page named without its end, as wikis do.
    let source = source?;
    let source = source.trim_end_matches('/');
    [format!("{source}.md"), format!("{source}/index.md"), format!("{source}/_index.md")]
        .iter()
        .find_map(|source| site.by_source(source))
        .map(|id| site.page(id).permalink.as_str().to_owned())
}

fn broken(site: &Site, plan: &Plan, page: &Page, path: &str) -> Target {
    let message = format!("the link leads nowhere: `{path}`");
    let source = match path.strip_prefix("@/").or_else(|| path.strip_prefix('/')) {
        Some(rest) => Some(rest.to_owned()),
        None => join(page.folder(), path),
    };
    if let Some(source) = &source
        && site.hidden.iter().any(|hidden| hidden == source)
    {
        return Target::Broken {
            message,
            hint: Some(format!("`content/{source}` is a draft, or its date is to come")),
        };
    }
    // Another file of the same name is what a moved page looks like.
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let namesake = site.pages.iter().find(|other| !name.is_empty() && other.source.rsplit('/').next() == Some(name));
    let near = || crate::site::diagnostic::nearest(path, plan.paths()).map(|near| format!("did you mean `{near}`?"));
    let hint = match namesake {
        Some(other) => Some(format!("there is `/{}`: write the link so, or relative to this page", other.source)),
        // A search through all paths for each broken link is too much for a large site.
        None if plan.outputs.len() <= 2_000 => near(),
        None => None,
    };
    Target::Broken { message, hint }
}

/// Whether it leads out of the site, or nowhere in particular.
pub fn leads_outside(destination: &str) -> bool {
    destination.is_empty() || has_scheme(destination) || destination.starts_with("//") || destination.starts_with('?')
}

/// Whether it begins with a scheme (RFC 3986 §3.1).
fn has_scheme(destination: &str) -> bool {
    let Some((scheme, _)) = destination.split_once(':') else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.'))
}
