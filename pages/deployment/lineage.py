"""From the images to the captured records, with ways to the page and to AWS's console of each."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from backend.aws.environment import Environment
from backend.deployment import Endpoint, Link, Step, Variant, lineage
from pages.shared.paths import PagePath
from pages.shared.text import as_text

_ICONS: Mapping[Step, str] = {
    Step.DATASET: ":material/photo_library:",
    Step.TRAINING_JOB: ":material/model_training:",
    Step.ARTIFACT: ":material/deployed_code:",
    Step.MODEL: ":material/package_2:",
    Step.CONFIGURATION: ":material/tune:",
    Step.ENDPOINT: ":material/rocket_launch:",
    Step.CAPTURES: ":material/database:",
}
_PAGES: Mapping[Step, PagePath] = {
    Step.DATASET: PagePath.DATA_STAGING,
    Step.TRAINING_JOB: PagePath.TRAINING,
    Step.ARTIFACT: PagePath.EVALUATION,
    Step.CAPTURES: PagePath.MONITORING,
}
_WIDTHS = (5, 13, 4)


def draw_lineage(environment: Environment, endpoint: Endpoint) -> None:
    """One line a step, of the champion or of the variant that is chosen; what is not known is said to be."""
    known = [variant for variant in endpoint.variants if variant.model]
    if not known:
        st.caption(
            "Where the model came from is not known: endpoint configuration "
            f"{as_text(endpoint.endpoint_config)} was deleted."
        )
        return
    variant = _choose(known) if len(known) > 1 else known[0]
    with st.container(gap="xsmall", key="deployment-lineage"):
        for link in lineage(environment, endpoint, variant):
            _draw(link, endpoint, variant)


def _choose(variants: list[Variant]) -> Variant:
    names = [variant.name for variant in variants]
    name = st.segmented_control("Lineage of", names, default=names[0], required=True, key="deployment.lineage_of")
    return variants[names.index(name) if name in names else 0]


def _draw(link: Link, endpoint: Endpoint, variant: Variant) -> None:
    title, value, ways = st.columns(_WIDTHS, vertical_alignment="center")
    title.markdown(f"{_ICONS[link.step]} {link.step}")
    shown = as_text(link.name) if link.name else "not known" if link.step is not Step.CAPTURES else ""
    value.markdown(" ".join(filter(None, [shown, f":gray[{as_text(link.note)}]" if link.note else ""])))
    with ways.container(horizontal=True, gap="small"):
        if link.name and link.step in _PAGES:
            query = {"endpoint": endpoint.name, "variant": variant.name} if link.step is Step.CAPTURES else None
            st.page_link(_PAGES[link.step], icon=":material/arrow_forward:", query_params=query)
        if link.url:
            st.link_button("Console", link.url, icon=":material/open_in_new:", type="tertiary")
