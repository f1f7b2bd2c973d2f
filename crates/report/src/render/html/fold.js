// What repeats is shown once: twelve layers that cost the same are one row, which opens on request.

function starred(name) {
  return name.replace(/\d+/g, "*");
}

/** The name that names share, with a star for each number in which they differ. */
function pattern(names) {
  const parts = names[0].split(/(\d+)/);
  for (const name of names) {
    name.split(/(\d+)/).forEach((part, i) => {
      if (part !== parts[i]) parts[i] = "*";
    });
  }
  return parts.join("");
}

/** Groups of items whose names differ in numbers only and whose likeness is equal, in order of first appearance. */
function fold(items, name, likeness) {
  const groups = new Map();
  for (const item of items) {
    const key = `${starred(name(item))}\n${likeness(item)}`;
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.values()].map((members) => ({
    members,
    name: members.length === 1 ? name(members[0]) : `${members.length} × ${pattern(members.map(name))}`,
  }));
}

/** The operators of a place: of a module without modules in it, or one that is in no module. */
function placeOf(operator) {
  return operator.scope.length > 0 ? operator.scope.join("/") : operator.name;
}
