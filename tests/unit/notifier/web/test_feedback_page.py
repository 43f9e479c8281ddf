"""What readers say of an article: looking keeps nothing, sending keeps it once."""

import httpx
from pydantic import SecretStr

from services.notifier import tables
from tests.builders import a_classification, a_label, an_article, classified, poll_completed
from tests.unit.notifier.kit import Desk, a_subscription
from tests.unit.notifier.web.kit import Site, a_site

PASSWORD = "a password of the operator"


async def _address(site: Site) -> str:
    labels = (a_label(), a_label(facet="disease", id="sle", name="Lupus"))
    await site.desk.subscribe(a_subscription())
    await site.desk.receive(
        classified(article=an_article(pmid=1), classification=a_classification(labels=labels)),
        classified(article=an_article(pmid=2, title="Other"),
                   classification=a_classification(labels=(a_label(id="car-nk", name="CAR-NK"),))),
        poll_completed(announced=2),
    )  # fmt: skip
    await site.desk.at(7, 8)
    rows = await site.desk.rows(tables.digests)
    digest_id = next(row.id for row in rows if row.state == "sent")
    return f"/digests/{site.tokens.sign('digest', digest_id)}/feedback/1"


async def test_looking_keeps_nothing(site: Site) -> None:
    address = await _address(site)

    answer = await site.client.get(f"{address}?what=not-relevant")

    assert answer.status_code == 200
    assert "Approach: <b>CD19 CAR-T</b>" in answer.text
    assert "noindex" in answer.headers["x-robots-tag"]
    assert await site.desk.rows(tables.feedback) == []


async def test_what_is_sent_is_kept_once_in_its_last_form(site: Site) -> None:
    address = await _address(site)
    form = {"what": "modality:cd19-car-t", "wanted": "modality:car-nk", "remark": "It is NK."}

    first = await site.client.post(address, data=form)
    again = await site.client.post(address, data={**form, "remark": "Surely NK."})

    assert (first.status_code, again.status_code) == (200, 200)
    assert "Thank you" in first.text
    (row,) = await site.desk.rows(tables.feedback)
    assert (row.topic, row.pmid, row.subscription_id) == ("car-autoimmune", 1, "reader")
    assert (row.kind, row.facet, row.label, row.wanted, row.remark) == (
        "wrong-label", "modality", "cd19-car-t", "car-nk", "Surely NK.",
    )  # fmt: skip


async def test_a_form_that_says_nothing_is_shown_again_with_what_was_written(lone: Site) -> None:
    address = await _address(lone)

    answer = await lone.client.post(address, data={"what": "", "remark": "Hm <b>."})

    assert answer.status_code == 422
    assert "Please choose what is wrong." in answer.text
    assert "Hm &lt;b&gt;." in answer.text
    assert await lone.desk.rows(tables.feedback) == []


async def test_only_a_digests_own_articles_and_links_are_taken(lone: Site) -> None:
    address = await _address(lone)
    form = {"what": "not-relevant"}

    assert (await lone.client.post(address[:-1] + "3", data=form)).status_code == 404
    assert (await lone.client.post(address[:-1] + "x", data=form)).status_code == 404
    feed = lone.tokens.sign("feed", "reader")
    assert (await lone.client.post(f"/digests/{feed}/feedback/1", data=form)).status_code == 404
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert (await lone.client.post(address, data=form, headers=headers)).status_code == 403
    assert await lone.desk.rows(tables.feedback) == []


async def test_too_many_remarks_are_put_off(lone: Site) -> None:
    address = await _address(lone)
    form = {"what": "not-relevant"}

    answers = [(await lone.client.post(address, data=form)).status_code for _ in range(61)]

    assert set(answers[:60]) == {200}
    assert answers[60] == 429
    assert len(await lone.desk.rows(tables.feedback)) == 1


async def test_the_operator_sees_what_was_said_and_nobody_else_does(one: Desk) -> None:
    site = a_site(one, admin_password=SecretStr(PASSWORD))
    async with site.client:
        address = await _address(site)
        await site.client.post(
            address, data={"what": "missing", "wanted": "modality:car-nk", "remark": "<b>NK"}
        )
        shut = await site.client.get("/admin/feedback")
        shown = await site.client.get("/admin/feedback", auth=httpx.BasicAuth("admin", PASSWORD))

    assert shut.status_code == 401
    assert "a label is missing" in shown.text
    assert "modality: car-nk" in shown.text
    assert "&lt;b&gt;NK" in shown.text
    assert "reader" not in shown.text.split("<table>")[1].split("</table>")[0]
