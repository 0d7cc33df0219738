"""Documents of every shape, for properties."""

from hypothesis import strategies as st

from viewer.scenario import LEVERS, Area, Scenario, Selection, Setting, Where, WholeCity
from viewer.session import Camera, Document, LayerStyle, Source, View

texts = st.text(max_size=12)
names = st.text(min_size=1, max_size=12)
metres = st.floats(-1e7, 1e7, allow_nan=False)
points = st.tuples(metres, metres, metres)

targets = st.one_of(
    st.just(WholeCity()),
    st.builds(Selection, st.lists(texts, max_size=4).map(lambda ids: tuple(sorted(ids))), texts),
    st.builds(Area, texts, st.lists(st.tuples(metres, metres), max_size=5).map(tuple)),
    st.builds(Where, texts, st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "contains"]), texts),
)
settings = st.sampled_from(sorted(LEVERS)).flatmap(
    lambda name: st.builds(Setting, st.just(name), st.floats(LEVERS[name].minimum, LEVERS[name].maximum), targets)
)
scenarios = st.builds(
    Scenario,
    names,
    settings=st.lists(settings, max_size=4).map(tuple),
    removed=st.frozensets(texts, max_size=3),
    built=st.frozensets(texts, max_size=3),
    note=texts,
)
styles = st.builds(LayerStyle, st.booleans(), st.floats(0, 1), texts, texts, texts, st.booleans())
sources = st.builds(
    Source,
    key=names,
    path=texts,
    kind=st.sampled_from(["city", "layer"]),
    reader=texts,
    title=texts,
    options=st.lists(st.tuples(texts, texts), max_size=3).map(lambda pairs: tuple(sorted(pairs))),
    style=styles,
)
views = st.builds(
    View,
    names,
    st.builds(Camera, points, points, st.floats(1, 120)),
    texts,
    st.none() | st.lists(texts, max_size=3).map(tuple),
    texts,
    st.floats(0, 600),
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Any document a person could have made."""
    all_scenarios = draw(st.lists(scenarios, min_size=1, max_size=3, unique_by=lambda s: s.name))
    return Document(
        sources=tuple(draw(st.lists(sources, max_size=3, unique_by=lambda s: s.key))),
        scenarios=tuple(all_scenarios),
        active=draw(st.sampled_from([s.name for s in all_scenarios])),
        views=tuple(draw(st.lists(views, max_size=2))),
        color_by=draw(texts),
        title=draw(texts),
        credits=draw(texts),
        note=draw(texts),
        sun=draw(texts),
    )
