//! Cost per app against number of apps, as an SVG: the operator beside the bare limit.

use std::fmt::Write as _;

use crate::{
    figures::{self, part_of},
    rows::{LIMIT, Measured, Row},
};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
/// Room for axes and the legend.
const LEFT: f64 = 56.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 108.0;
const BOTTOM: f64 = 48.0;

/// Figures in milliseconds per app, what each is called, and its colour.
fn series() -> [(String, &'static str, &'static str); 5] {
    let of_limit = |name| part_of(LIMIT, name);
    [
        (figures::MS_PER_APP.to_owned(), "operator: start to all Ready", "#0b7285"),
        (of_limit(figures::MS_PER_APP), "bare limit: the same writes", "#495057"),
        (figures::API_SERVER_PER_APP.to_owned(), "kube-apiserver: CPU", "#5f3dc4"),
        (of_limit(figures::API_SERVER_PER_APP), "bare limit: CPU of kube-apiserver", "#b197fc"),
        (figures::CPU_PER_APP.to_owned(), "operator: CPU", "#e8590c"),
    ]
}

pub fn chart(measured: &[Measured]) -> String {
    let issues: Vec<_> = measured.iter().filter(|row| row.row == Row::FirstIssue).collect();
    let series = series();
    let values =
        series.iter().flat_map(|(name, ..)| issues.iter().filter_map(|row| row.figures.get(name)));
    let scale = Scale {
        most_apps: f64::from(issues.iter().map(|row| row.apps).max().unwrap_or(1)),
        top: round_up(values.fold(0.0, f64::max)),
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>Milliseconds per app against number of apps</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
    );
    axes(&mut svg, &scale, &issues);
    for (nth, (name, title, colour)) in (0_u8..).zip(&series) {
        let points: Vec<_> = issues
            .iter()
            .filter_map(|row| Some((scale.x(f64::from(row.apps)), scale.y(row.figures.get(name)?))))
            .collect();
        let line: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        line_of(&mut svg, &line.join(" "), colour);
        for (x, y) in points {
            let _ =
                writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let (x, y) = (LEFT + 280.0 * f64::from(nth % 2), 24.0 + 20.0 * f64::from(nth / 2));
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{}\" width=\"12\" height=\"4\" fill=\"{colour}\"/>",
            y - 6.0
        );
        text(&mut svg, x + 18.0, y, "start", title);
    }
    svg.push_str("</svg>\n");
    svg
}

/// From figures to places.
struct Scale {
    most_apps: f64,
    top: f64,
}

impl Scale {
    fn x(&self, apps: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * apps / self.most_apps
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / self.top
    }
}

fn axes(svg: &mut String, scale: &Scale, issues: &[&Measured]) {
    for step in 0_u8..=4 {
        let value = scale.top * f64::from(step) / 4.0;
        let y = scale.y(value);
        let right = WIDTH - RIGHT;
        let _ = writeln!(svg, "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#dee2e6\"/>");
        text(svg, LEFT - 8.0, y + 4.0, "end", &format!("{value}"));
    }
    for row in issues {
        text(
            svg,
            scale.x(f64::from(row.apps)),
            HEIGHT - BOTTOM + 18.0,
            "middle",
            &row.apps.to_string(),
        );
    }
    text(svg, WIDTH / 2.0, HEIGHT - 8.0, "middle", "apps");
    text(svg, LEFT - 40.0, TOP - 12.0, "start", "ms per app");
}

fn line_of(svg: &mut String, points: &str, colour: &str) {
    let _ = writeln!(
        svg,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
    );
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

/// To a number whose quarters are short: 1, 2 or 4 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(0.01).log10().floor());
    let steps = [1.0, 2.0, 4.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|top| *top >= value).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figures;

    #[test]
    fn a_chart_has_a_point_for_each_figure_and_number_of_apps() {
        let issue = |apps| {
            let mut figures = Figures::default();
            figures.add(figures::MS_PER_APP, 14.0);
            figures.add(figures::CPU_PER_APP, 3.0);
            Measured { row: Row::FirstIssue, apps, load: String::new(), figures }
        };
        let svg = chart(&[issue(1000), issue(5000)]);
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(svg.contains(">20<") && svg.contains(">5000<"), "{svg}");
    }
}
