//! What manifests say of a function, read line by line; `tests/independent` reads them as YAML and holds
//! them against the schemas of Kubernetes.

use super::*;

fn function() -> Function<'static> {
    Function {
        name: "Word_count",
        version: "1.0.0+x",
        memory_bytes: 6 << 20,
        timeout: Some(Duration::from_secs(10)),
        repository: "registry.example/functions",
        digest: "sha256:00",
    }
}

#[test]
fn a_repository_is_what_references_begin_with() {
    for good in ["localhost", "registry.example:5000/a-b/c_d", "ghcr.io/owner/ampoule/"] {
        assert_eq!(check_repository(good), Ok(()), "{good}");
    }
    for bad in
        ["", "/a", "a//b", "Owner/x", "a b", "a:b/c", "a/b:1", "a:99999", "a/-b", "https://a"]
    {
        assert_eq!(check_repository(bad), Err(RepositoryError(bad.to_owned())), "{bad}");
    }
}

#[test]
fn each_kind_is_there_with_kvm_and_without() {
    let manifests = manifests(&function());
    let ends: Vec<_> = manifests.iter().map(|(end, _)| *end).collect();
    let kinds = ["job", "jobsink", "service"];
    let expected = ["", ".tcg"]
        .iter()
        .flat_map(|machine| kinds.iter().map(move |kind| format!(".{kind}{machine}.yaml")));
    assert_eq!(ends, expected.collect::<Vec<_>>());
    for (end, text) in &manifests {
        let image = "registry.example/functions/word-count:1.0.0_x@sha256:00";
        assert!(text.contains(image) && text.contains("/Word_count\""), "{end}: {text}");
        assert!(text.contains("name: \"word-count\""), "{end}: {text}");
        let named: Vec<_> = ["image: \"", "reference: \""]
            .iter()
            .flat_map(|key| text.lines().filter_map(move |line| line.trim().strip_prefix(*key)))
            .collect();
        let is_ours = |image: &&str| image.starts_with("registry.example/functions/");
        assert!(!named.is_empty() && named.iter().all(is_ours), "{end}: {named:?}");
        let has_kvm = text.contains("devices.kubevirt.io/kvm: \"1\"");
        assert_eq!(has_kvm, !end.contains("tcg"), "{end}");
        assert_eq!(text.contains("/ampoule-qemu:1\""), end.contains("tcg"), "{end}");
        for line in [
            "runAsNonRoot: true",
            "type: \"RuntimeDefault\"",
            "allowPrivilegeEscalation: false",
            "readOnlyRootFilesystem: true",
            "- \"ALL\"",
            "automountServiceAccountToken: false",
        ] {
            assert!(text.lines().any(|found| found.trim() == line), "no {line} in {end}");
        }
    }
}

#[test]
fn limits_are_the_function_s_and_those_of_what_runs_it() {
    let manifests = manifests(&function());
    let memory = |end: &str| {
        let (_, text) = manifests.iter().find(|(found, _)| *found == end).expect(end);
        let line = text.lines().rfind(|line| line.trim().starts_with("memory:")).expect("a limit");
        line.trim().to_owned()
    };
    assert_eq!(memory(".job.yaml"), "memory: \"22Mi\"");
    assert_eq!(memory(".service.yaml"), "memory: \"176Mi\"");
    assert_eq!(memory(".job.tcg.yaml"), "memory: \"198Mi\"");
    assert!(manifests[0].1.contains("activeDeadlineSeconds: 310"));
    let [_, _, (_, service), ..] = &manifests[..] else { panic!("a Service") };
    assert!(service.contains("\n---\n"), "{service}");
}

#[test]
fn each_function_has_a_name_of_its_own_there() {
    let long = "a".repeat(MAX_NAME_BYTES);
    assert_eq!(check_names(["wc", "a_b", "Word", "b2", &long]), Ok(()));
    for [first, second] in [["a_b", "a-b"], ["Wc", "wc"]] {
        let error = check_names([first, "grep", second]).expect_err("they are the same");
        assert!(matches!(error, NameError::Same { .. }), "{error}");
        let error = error.to_string();
        assert!([first, second].iter().all(|it| error.contains(&format!("{it:?}"))), "{error}");
    }
    for name in [&*(long + "a"), "a.b", "_a", "a_", "7z", "é", ""] {
        let error = check_names([name]).expect_err(name);
        assert!(matches!(error, NameError::NoLabel { .. }), "{error}");
    }
}

#[test]
fn a_version_is_a_label() {
    let longest = format!("1.0.0-{}", "a".repeat(MAX_NAME_BYTES - 6));
    for good in ["0.1.0", "1.0.0-rc.1+linux.x86-64", &longest] {
        assert_eq!(check_version("wc", good), Ok(()), "{good}");
    }
    for bad in [&*(longest + "a"), "1.0.0-", "1.0.0-a.-", "1.0.0+-", ""] {
        let error = check_version("wc", bad).expect_err(bad).to_string();
        assert!(error.contains(&format!("\"wc\" has the version {bad:?}")), "{error}");
    }
}

#[test]
fn a_deadline_is_one_that_there_can_be() {
    let seconds = |timeout| Function { timeout, ..function() }.deadline_seconds();
    assert_eq!(seconds(None), 3600);
    assert_eq!(seconds(Some(Duration::MAX)), i32::MAX as u64);
}
