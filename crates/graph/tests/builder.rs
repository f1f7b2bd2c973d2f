//! Graphs built, changed and checked.

use hawkeye_graph::{
    Attribute, DType, Derivation, Elements, Graph, GraphBuilder, NodeId, Origin, Owner, Provenance, Tensor,
    Value, ValueId, verify,
};

fn ops(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| node.op.as_str()).collect()
}

/// `Relu(x) -> Exp -> y`.
fn chain() -> (GraphBuilder, [ValueId; 3]) {
    let mut builder = GraphBuilder::default();
    builder.set_opset("", 18);
    builder.set_owner(Owner::outside(Derivation::Rewrite, "net"));
    let x = builder.tensor_input("x", DType::Float32, &[2]);
    let relu = builder.op("Relu", &[x]);
    let exp = builder.op("Exp", &[relu]);
    builder.set_outputs(vec![exp]);
    (builder, [x, relu, exp])
}

#[test]
fn a_built_graph_is_sound() {
    let (builder, [_, relu, _]) = chain();
    let graph = builder.finish().expect("no cycle");
    verify(&graph).expect("sound");
    assert_eq!(graph.value(relu).name, "net/Relu");
    assert_eq!(graph.nodes[0].provenance.node, None);
    assert_eq!(&*graph.nodes[0].provenance.steps[0].name, "Relu");
}

#[test]
fn a_replacement_stands_where_the_old_node_stood_and_knows_its_origin() {
    let (builder, [x, relu, exp]) = chain();
    let mut graph = builder.finish().expect("no cycle");
    graph.nodes[0].provenance = Provenance::of_file(7);
    let old = NodeId::new(0);
    let owner = Owner { place: Some(old), ..Owner::of(graph.node(old), Derivation::Rewrite, "new") };
    let mut builder = GraphBuilder::from_graph(graph);
    builder.set_owner(owner);
    let mark = builder.mark();
    let zero = builder.number(DType::Float32, 0.0);
    let max = builder.op("Max", &[x, zero]);
    builder.substitute(mark, &[(max, relu)].into());
    builder.remove(old);
    let graph = builder.finish().expect("no cycle");
    verify(&graph).expect("sound");
    assert_eq!(ops(&graph), ["Constant", "Max", "Exp"]);
    assert_eq!(graph.nodes[1].provenance.node, Some(7));
    assert!(graph.nodes[1].provenance.is_by(Derivation::Rewrite));
    assert_eq!(graph.value(graph.outputs[0]).name, "net/Exp");
    assert_eq!(graph.nodes[1].outputs, [Some(relu)]);
    assert!(graph.values.iter().all(|value| value.name != "new/Max"), "nothing makes it any more");
    let _ = exp;
}

#[test]
fn an_output_is_switched_on_once() {
    let (mut builder, [_, relu, _]) = chain();
    let node = NodeId::new(0);
    assert_eq!(builder.output(node, 0), relu);
    let second = builder.output(node, 2);
    assert_eq!(builder.output(node, 2), second);
    let graph = builder.finish().expect("no cycle");
    verify(&graph).expect("sound");
    assert_eq!(graph.nodes[0].outputs, [Some(relu), None, Some(second)]);
}

#[test]
fn an_attempt_can_be_undone() {
    let (mut builder, [x, ..]) = chain();
    let before = builder.clone().finish().expect("no cycle");
    let mark = builder.mark();
    builder.op("Relu", &[x]);
    assert_eq!(builder.since(mark).len(), 1);
    builder.go_back(mark);
    assert_eq!(builder.op("Relu", &[x]).index(), before.values.len(), "ids are used again");
    builder.go_back(mark);
    assert_eq!(builder.finish().expect("no cycle"), before);
}

#[test]
fn attributes_inputs_and_operators_can_be_changed() {
    let (mut builder, [x, ..]) = chain();
    let alpha =
        builder.initializer("alpha", Tensor { dtype: DType::Float32, dims: vec![300], elements: None });
    let node = NodeId::new(0);
    let changed = builder.node_mut(node);
    "PRelu".clone_into(&mut changed.op);
    changed.inputs.push(Some(alpha));
    changed.attributes.set("note", Attribute::Int(1));
    let graph = builder.finish().expect("no cycle");
    verify(&graph).expect("sound");
    assert_eq!((graph.nodes[0].op.as_str(), &graph.nodes[0].inputs), ("PRelu", &vec![Some(x), Some(alpha)]));
}

#[test]
fn a_circle_is_told() {
    let (mut builder, [.., exp]) = chain();
    builder.node_mut(NodeId::new(0)).inputs[0] = Some(exp);
    assert_eq!(builder.finish().expect_err("a circle").0, [0, 1]);
}

#[test]
fn what_is_wrong_with_a_graph_is_found() {
    let sound = chain().0.finish().expect("no cycle");
    type Fault = (&'static str, fn(&mut Graph));
    let faults: [Fault; 7] = [
        ("is the name of two values", |graph| graph.values[1].name = "x".to_owned()),
        ("which nothing before it defines", |graph| graph.nodes.swap(0, 1)),
        ("which nothing before it defines", |graph| graph.nodes[0].inputs[0] = Some(ValueId::new(9))),
        ("is of another opset", |graph| graph.nodes[0].opset = 7),
        ("which comes from elsewhere", |graph| graph.nodes[1].outputs[0] = Some(ValueId::new(1))),
        ("which nothing defines", |graph| graph.outputs.push(ValueId::new(9))),
        ("has 1 elements in a constant of shape [2]", |graph| {
            let elements = Some(Elements::Floats(vec![0.5]));
            let tensor = Tensor { dtype: DType::Float32, dims: vec![2], elements };
            graph.values.push(Value { name: "w".to_owned(), origin: Origin::Initializer(tensor) });
        }),
    ];
    for (message, spoil) in faults {
        let mut graph = sound.clone();
        spoil(&mut graph);
        let failure = verify(&graph).expect_err(message);
        assert!(failure.to_string().contains(message), "{failure}");
    }
}
