//! All figures as JSON, for programs that compare runs.

use serde_json::{Map, Value, json};

use crate::{budgets::Verdict, operator::Program, rows::Measured};

pub fn report(program: &Program, measured: &[Measured], verdicts: &[Verdict]) -> String {
    let rows = measured.iter().map(|row| {
        let figures: Map<_, Value> =
            row.figures.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        json!({
            "row": row.row.to_string(),
            "apps": row.apps,
            "load": row.load,
            "figures": figures,
        })
    });
    let budgets = verdicts.iter().map(|verdict| {
        json!({
            "row": verdict.row.to_string(),
            "apps": verdict.apps,
            "figure": verdict.figure,
            "most": verdict.most,
            "value": verdict.value,
            "held": verdict.is_held(),
        })
    });
    let report = json!({
        "libc": program.libc,
        "programBytes": program.bytes,
        "processors": crate::cores(),
        "rows": rows.collect::<Vec<_>>(),
        "budgets": budgets.collect::<Vec<_>>(),
    });
    format!("{report:#}\n")
}
