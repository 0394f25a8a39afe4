use super::*;

#[test]
fn the_definition_can_be_made() {
    let yaml = serde_yaml::to_string(&definition()).unwrap();
    assert!(!yaml.contains("nullable"));
}
