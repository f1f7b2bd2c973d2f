//! Newtype indices and the side tables they index.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The id at position `index` of its graph's list.
            ///
            /// # Panics
            /// If `index` does not fit 32 bits; the importer refuses such models.
            #[must_use]
            pub fn new(index: usize) -> Self {
                Self(u32::try_from(index).expect("graphs are limited to 2^32 entries"))
            }

            /// Position in the graph's list.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl From<$name> for usize {
            fn from(id: $name) -> usize {
                id.index()
            }
        }
    };
}

id! {
    /// A node of a graph; ids ascend in execution order.
    NodeId
}
id! {
    /// A value (tensor) of a graph: input, initializer or node output.
    ValueId
}

/// One `T` per id: what a pass found out about every node or value.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<I, T> {
    rows: Vec<T>,
    index: PhantomData<I>,
}

impl<I, T> Table<I, T> {
    /// A table of the given rows, in id order.
    #[must_use]
    pub fn new(rows: Vec<T>) -> Self {
        Self { rows, index: PhantomData }
    }

    /// The rows in id order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.rows.iter()
    }
}

impl<I: Into<usize>, T> Table<I, T> {
    /// The row of an id, if the table has one: a table of a graph has none for values added later.
    pub fn get(&self, id: I) -> Option<&T> {
        self.rows.get(id.into())
    }
}

impl<I: Into<usize>, T> Index<I> for Table<I, T> {
    type Output = T;
    fn index(&self, id: I) -> &T {
        &self.rows[id.into()]
    }
}

impl<I: Into<usize>, T> IndexMut<I> for Table<I, T> {
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.rows[id.into()]
    }
}
