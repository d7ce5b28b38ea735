//! The data pages of a site, as far as the build has to do with them: their mistakes are
//! told with all others, no two of them answer one path, and links may lead to them.
//!
//! Knows no store: what a query means is told when the edge is started.

use super::layout;
use super::output::plan::Plan;
use super::sources::{Sources, read_text};
use crate::site::config::Config;
use crate::site::data_page::{self, DataPage, Format, Route, sitemap_of};
use crate::site::diagnostic::{Code, Diagnostic, Place};

/// Where data pages answer.
#[derive(Clone, Debug, Default)]
pub struct Routes(Vec<Claimed>);

/// A route, and the line that claims it.
#[derive(Clone, Debug)]
struct Claimed {
    route: Route,
    /// The line by which it is for members.
    members_at: Option<Place>,
    /// The path of its sitemap without the end, if it has one.
    sitemap: Option<String>,
    formats: Vec<Format>,
    place: Place,
}

impl Routes {
    /// The routes of all data pages among `files`.
    pub fn load(sources: &dyn Sources, files: &[String], found: &mut Vec<Diagnostic>) -> Self {
        let mut routes = Vec::new();
        for file in files.iter().filter(|file| is_data_page(file)) {
            let text = match read_text(sources, file) {
                Ok(text) => text,
                Err(diagnostic) => {
                    found.push(diagnostic);
                    continue;
                }
            };
            match DataPage::parse(file, &text) {
                Ok(page) => {
                    found.extend(layout::parse(file, &page.template).err());
                    found.extend(
                        layout::parse(file, &page.title)
                            .err()
                            .map(|mistake| Diagnostic { place: Some(page.title_at.clone()), ..mistake }),
                    );
                    let members_at = (!page.audience.is_public()).then_some(page.audience_at);
                    let name = file.strip_prefix("dynamic/").and_then(|name| name.strip_suffix(".hbs"));
                    let sitemap = name.filter(|_| page.sitemap).map(sitemap_of);
                    routes.push(Claimed {
                        route: page.route,
                        members_at,
                        sitemap,
                        formats: page.formats,
                        place: page.route_at,
                    });
                }
                Err(mistakes) => found.extend(mistakes),
            }
        }
        Self(routes)
    }

    /// Tells which of them claim what another one, or an output of the build, answers; and which
    /// are for members that the site cannot have.
    pub fn check(&self, plan: &Plan, config: &Config, found: &mut Vec<Diagnostic>) {
        let in_vain = self.0.iter().filter_map(|claimed| claimed.members_at.clone()).filter(|_| !config.edge.accounts);
        found.extend(in_vain.map(|place| {
            let message = "this page is for members, and the site has no accounts";
            Diagnostic::error(Code::DataPage, place, message)
                .hint("say `edge: { accounts: true }` in littoral.yaml, or `access: public`")
        }));
        self.check_sitemaps(plan, found);
        for (number, claimed) in self.0.iter().enumerate() {
            let route = &claimed.route;
            if let Some(other) = self.0[..number].iter().find(|other| other.route.meets(route)) {
                let message = format!("`{route}` and `{}` answer the same paths", other.route);
                let hint = format!("the other one stands in {}:{}", other.place.file, other.place.line);
                found.push(Diagnostic::error(Code::DuplicateUrl, claimed.place.clone(), message).hint(hint));
            }
            let paths = route.literal().into_iter().flat_map(|path| [format!("{path}/"), path]);
            if let Some(taken) = paths.into_iter().find(|path| plan.at(path).is_some()) {
                let message = format!("the build makes a file for `{taken}`, so this page would never be asked for");
                found.push(
                    Diagnostic::error(Code::DuplicateUrl, claimed.place.clone(), message).hint("rename one of them"),
                );
            }
        }
    }

    /// Tells which sitemaps would stand where something else does.
    fn check_sitemaps(&self, plan: &Plan, found: &mut Vec<Diagnostic>) {
        let named = || self.0.iter().filter_map(|claimed| Some((claimed.sitemap.as_deref()?, &claimed.place)));
        for (number, (stem, place)) in named().enumerate() {
            // A part of one may be called as another is: `cities` and `cities-1`.
            let is_part = |other: &str| {
                let part = other.strip_prefix(stem).and_then(|rest| rest.strip_prefix('-'));
                part.is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
            };
            let mut others = named().enumerate().filter(|(at, _)| *at != number);
            let other = others.find(|(at, (other, _))| (*other == stem && *at < number) || is_part(other));
            let path = format!("{stem}.xml");
            if let Some((_, (_, other))) = other {
                let message =
                    format!("its sitemap `{path}` would be called as that of {}, or a part of it", other.file);
                found.push(
                    Diagnostic::error(Code::DuplicateUrl, place.clone(), message).hint("rename one of the files"),
                );
            } else if plan.at(&path).is_some() {
                let message = format!("the build makes a file for `{path}`, where the sitemap of this page would be");
                found.push(Diagnostic::error(Code::DuplicateUrl, place.clone(), message).hint("rename one of them"));
            }
        }
    }

    /// The paths of the sitemaps that the edge makes, in order.
    pub fn sitemaps(&self) -> Vec<String> {
        let mut paths: Vec<String> =
            self.0.iter().filter_map(|claimed| Some(format!("{}.xml", claimed.sitemap.as_deref()?))).collect();
        paths.sort_unstable();
        paths
    }

    /// Whether a data page answers `path`, decoded: which rows there are, only the store knows.
    pub fn answer(&self, path: &str) -> bool {
        self.0.iter().any(|claimed| {
            let in_format = path.rsplit_once('.').is_some_and(|(bare, end)| {
                claimed.formats.iter().any(|format| format.end() == end) && claimed.route.values(bare).is_some()
            });
            in_format || claimed.route.values(path).is_some()
        })
    }

    /// As they are written.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|claimed| format!("{} {:?} {:?}", claimed.route, claimed.formats, claimed.sitemap))
    }
}

/// Whether the file at `path` is a data page.
pub fn is_data_page(path: &str) -> bool {
    let name = path.strip_prefix("dynamic/").and_then(|below| below.strip_suffix(".hbs"));
    name.is_some_and(|name| name.starts_with(data_page::FOLDER))
}
