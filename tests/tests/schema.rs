//! `docs/outcome.schema.json` is made from the type that programs are sent, and says what that type says.
//!
//! `BLESS=1 cargo test --release -p precis-tests --test schema` writes it anew.

#[test]
fn the_schema_of_outcomes_is_the_one_that_the_type_makes() {
    let schema = schemars::schema_for!(domain::outcome::Report);
    let made = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    let file = precis_tests::program::repository().join("docs/outcome.schema.json");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(kept, made, "{} is not what the type makes; BLESS=1 writes it anew", file.display());
}
