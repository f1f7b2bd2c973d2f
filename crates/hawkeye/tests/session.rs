//! A session's reports are those of an analysis on its own, whatever came before and beside.

use hawkeye::time::Network;
use hawkeye::{Framework, Operand, Options, Session, TimeOptions, TrainingOptions, analyse, load, operator};
use hawkeye_testing::fixtures;

const MODELS: [&str; 3] = ["models/lenet5.onnx", "crypten/models/mlp3_b1.onnx", "models/lenet5.onnx"];

#[test]
fn what_a_session_has_seen_changes_nothing() {
    for framework in ["crypten", "cryptflow2", "cheetah", "delphi", "spu-semi2k"] {
        let open = || Framework::open(framework).expect("it is built in");
        let session = Session::new(open(), None, &Default::default()).expect("its sheets load");
        let on = |network| Options {
            time: Some(TimeOptions::on(Network::named(network).expect("it is a preset"))),
            ..Options::default()
        };
        let untimed = Options::default();
        let (far, near) = (on("wan-400m"), on("lan-1g"));
        let check = || {
            let profiles =
                MODELS.iter().flat_map(|file| [&untimed, &far, &far, &near].map(|options| (file, options)));
            for (file, options) in profiles {
                let model = load(&fixtures().join(file)).expect("the fixture is fine");
                let alone = analyse(&model, file, open(), options);
                assert_eq!(session.analyse(&model, file, options), alone, "{file} under {framework}");
                let totals = alone.map(|report| report.totals).ok();
                let priced = session.price(&model.graph, options).map(|report| report.totals).ok();
                assert_eq!(priced, totals, "{file} under {framework}");
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(check);
            scope.spawn(check);
        });
    }
}

#[test]
fn a_training_step_that_was_planned_lets_nothing_else_pass() {
    let open = || Framework::open("spu-semi2k").expect("it is built in");
    let session = Session::new(open(), None, &Default::default()).expect("its sheets load");
    let lenet5 = load(&fixtures().join("models/lenet5.onnx")).expect("the fixture is fine");
    let training = Options { training: Some(TrainingOptions::default()), ..Options::default() };
    session.analyse(&lenet5, "lenet5.onnx", &training).expect("it trains");
    let unknown = operator("NoSuchOp", &[Operand::Input(vec![1, 4])], &[]).expect("it is a model");
    let alone = analyse(&unknown, "x.onnx", open(), &Options::default());
    assert!(alone.is_err());
    assert_eq!(session.analyse(&unknown, "x.onnx", &Options::default()), alone);
}

#[test]
fn a_program_with_groups_has_nothing_of_the_clock_of_one_without() {
    let open = || Framework::open("delphi").expect("it is built in");
    let session = Session::new(open(), None, &Default::default()).expect("its sheets load");
    let network = Network::named("wan-100m").expect("it is a preset");
    let options = Options { time: Some(TimeOptions::on(network)), ..Options::default() };
    let linear = operator("MatMul", &[Operand::Input(vec![1, 8]), Operand::Weight(vec![8, 10])], &[]);
    session.analyse(&linear.expect("it is a model"), "linear.onnx", &options).expect("it profiles");
    let file = "delphi/models/linked_mlp3_b1.onnx";
    let relus = load(&fixtures().join(file)).expect("the fixture is fine");
    let alone = analyse(&relus, file, open(), &options);
    assert!(alone.is_ok());
    assert_eq!(session.analyse(&relus, file, &options), alone);
}
