//! Plots: time and memory against pages, and the latency of an edit.
//!
//! Both axes run by powers of ten, because sites do. A figure that was not measured is not
//! there. The picture takes the colours of the reader's system, light or dark.

use std::fmt::Write as _;

use crate::results::{Results, Spread, shown};

const TOOLS: [(&str, &str); 3] = [("littoral", "Littoral"), ("hugo", "Hugo"), ("zola", "Zola")];
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 104.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 56.0;

const STYLE: &str = "svg{font:15px system-ui,sans-serif;fill:#3a4651;color:#3a4651}\
.grid{stroke:#d5dde3;stroke-width:1}.littoral{color:#0b6e8a}.hugo{color:#b04a1e}.zola{color:#6a5a86}\
.line{fill:none;stroke:currentColor;stroke-width:2.5}.range{stroke:currentColor;stroke-width:1.5}\
.dot,.name{fill:currentColor}.name{font-weight:600}\
@media(prefers-color-scheme:dark){svg{fill:#c3ced6;color:#c3ced6}.grid{stroke:#33414c}\
.littoral{color:#5fc3df}.hugo{color:#ef9a73}.zola{color:#bda8e0}}";

/// One line of a plot: a tool, and its figures by pages.
struct Line {
    class: &'static str,
    name: &'static str,
    points: Vec<(f64, Spread)>,
}

/// Each plot that there are figures for, with the name of its file.
pub fn all(results: &Results) -> Vec<(&'static str, String)> {
    let lines = |scenario: &str, figure: &dyn Fn(usize, &str) -> Option<Spread>| -> Vec<Line> {
        let sizes = results.sizes("on", scenario);
        let lines = TOOLS.iter().map(|(class, name)| {
            let points = sizes.iter().filter_map(|pages| Some((*pages as f64, figure(*pages, class)?)));
            Line { class, name, points: points.collect() }
        });
        lines.filter(|line| !line.points.is_empty()).collect()
    };
    let seconds = |scenario: &'static str| lines(scenario, &|pages, tool| results.seconds(pages, "on", scenario, tool));
    let megabytes = |mib: f64| if mib < 1000.0 { format!("{mib:.0} MiB") } else { format!("{:.1} GiB", mib / 1024.0) };
    let plots = [
        ("clean.svg", "A clean build: time against pages", seconds("clean"), &shown as &dyn Fn(f64) -> String),
        (
            "memory.svg",
            "A clean build: memory at its peak against pages",
            lines("clean", &|pages, tool| results.peak(pages, "on", "clean", tool)),
            &megabytes,
        ),
        ("edit.svg", "One text edited, another process: time against pages", seconds("edit"), &shown),
        (
            "watch.svg",
            "One text edited while watching: time until it is served, against pages",
            seconds("watch"),
            &shown,
        ),
    ];
    let drawn = plots.into_iter().filter(|(_, _, lines, _)| !lines.is_empty());
    drawn.map(|(file, title, lines, unit)| (file, draw(title, &lines, unit))).collect()
}

fn draw(title: &str, lines: &[Line], unit: &dyn Fn(f64) -> String) -> String {
    let xs: Vec<f64> = lines.iter().flat_map(|line| line.points.iter().map(|(pages, _)| *pages)).collect();
    let ys: Vec<f64> = lines
        .iter()
        .flat_map(|line| line.points.iter().flat_map(|(_, spread)| [spread.least, spread.greatest]))
        .collect();
    let (x, y) = (Axis::over(&xs, LEFT, WIDTH - RIGHT), Axis::over(&ys, HEIGHT - BOTTOM, TOP));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"t\">\
         <title id=\"t\">{title}</title><style>{STYLE}</style>\n"
    );
    for value in x.decades() {
        let at = x.place(value);
        let _ = writeln!(svg, "<path class=\"grid\" d=\"M{at:.1} {TOP}V{:.1}\"/>", HEIGHT - BOTTOM);
        let _ = writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - BOTTOM + 22.0,
            grouped(value)
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">pages</text>",
        f64::midpoint(LEFT, WIDTH - RIGHT),
        HEIGHT - 10.0
    );
    for value in y.decades() {
        let at = y.place(value);
        let _ = writeln!(svg, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{:.1}\"/>", WIDTH - RIGHT);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 10.0,
            at + 5.0,
            unit(value)
        );
    }
    let mut taken: Vec<f64> = Vec::new();
    for Line { class, name, points } in lines {
        let way: Vec<String> = points
            .iter()
            .map(|(pages, spread)| format!("{:.1} {:.1}", x.place(*pages), y.place(spread.median)))
            .collect();
        let _ = writeln!(svg, "<g class=\"{class}\"><path class=\"line\" d=\"M{}\"/>", way.join("L"));
        for (pages, spread) in points {
            let (at, least, greatest) = (x.place(*pages), y.place(spread.least), y.place(spread.greatest));
            let _ = writeln!(svg, "<path class=\"range\" d=\"M{at:.1} {least:.1}V{greatest:.1}\"/>");
            let _ =
                writeln!(svg, "<circle class=\"dot\" cx=\"{at:.1}\" cy=\"{:.1}\" r=\"4\"/>", y.place(spread.median));
        }
        if let Some((pages, spread)) = points.last() {
            // Two lines may end at one place; their names may not.
            let mut at = y.place(spread.median) + 5.0;
            while taken.iter().any(|other| (other - at).abs() < 18.0) {
                at += 18.0;
            }
            taken.push(at);
            let _ =
                writeln!(svg, "<text class=\"name\" x=\"{:.1}\" y=\"{at:.1}\">{name}</text>", x.place(*pages) + 12.0);
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// A scale by powers of ten.
struct Axis {
    /// The powers at its ends.
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: &[f64], from: f64, to: f64) -> Self {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let low = least.log10().floor();
        Self { low, high: greatest.log10().ceil().max(low + 1.0), from, to }
    }

    fn place(&self, value: f64) -> f64 {
        self.from + (value.log10() - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    fn decades(&self) -> impl Iterator<Item = f64> + use<> {
        let (low, high) = (self.low as i32, self.high as i32);
        (low..=high).map(|power| 10_f64.powi(power))
    }
}

/// `10,000`.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
