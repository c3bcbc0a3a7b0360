"""Where the pages are, as Streamlit takes them: relative to pages/main.py."""

from __future__ import annotations

from enum import StrEnum

from backend.wording import as_words


class PagePath(StrEnum):
    """The script of each page, for links from other pages; its folder is its address too."""

    OVERVIEW = "overview/page.py"
    DATA_STAGING = "data_staging/page.py"
    TRAINING = "training/page.py"
    DEPLOYMENT = "deployment/page.py"
    EVALUATION = "evaluation/page.py"
    WORKFLOW = "workflow/page.py"
    TEST_IMAGES = "test_images/page.py"
    MONITORING = "monitoring/page.py"
    DRIFT = "drift/page.py"
    ACCURACY = "accuracy/page.py"
    REVIEW = "review/page.py"
    ALERTS = "alerts/page.py"
    CLEANUP = "cleanup/page.py"

    @property
    def url_path(self) -> str:
        return self.value.partition("/")[0]

    @property
    def heading(self) -> str:
        """What the page is called, as its folder is."""
        return as_words(self.url_path).capitalize()
