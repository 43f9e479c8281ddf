import sqlalchemy as sa

from services.notifier import contents, tables
from services.notifier.contents import Shelf
from services.notifier.digest import Digest
from shared.database import transaction
from tests.unit.notifier.digests import a_digest, a_full_digest, an_entry
from tests.unit.notifier.kit import Desk


async def kept(desk: Desk, digest: Digest) -> contents.Content:
    async with transaction(desk.engine) as connection:
        return await contents.keep(connection, digest)


async def loaded(desk: Desk, content: contents.Content, shelf: Shelf | None = None) -> Digest:
    async with transaction(desk.engine) as connection:
        return await contents.load(connection, content, shelf)


async def test_a_digest_comes_back_as_it_was(desk: Desk) -> None:
    digest = a_full_digest()

    content = await kept(desk, digest)

    assert await loaded(desk, content) == digest
    assert digest.shown[0].title not in str(content)


async def test_what_had_no_room_and_background_come_back_too(desk: Desk) -> None:
    news = a_digest(*(an_entry(n) for n in range(1, 8)), max_items=3)
    digest = news.model_copy(
        update={"background": news.items[:1], "background_beyond": news.items[1:3]}
    )

    assert await loaded(desk, await kept(desk, digest)) == digest


async def test_an_article_in_many_digests_is_kept_once(desk: Desk) -> None:
    for number in range(3):
        await kept(desk, a_digest(an_entry(1), an_entry(2), id=f"digest-{number}"))

    assert len(await desk.rows(tables.items)) == 2


async def test_an_article_that_has_changed_is_kept_as_it_was_and_as_it_is(desk: Desk) -> None:
    before = a_digest(an_entry(1, title="Before"))
    after = a_digest(an_entry(1, title="After"))

    old, new = await kept(desk, before), await kept(desk, after)

    assert [(await loaded(desk, one)).shown[0].title for one in (old, new)] == ["Before", "After"]


async def test_a_digest_that_was_stored_with_its_items_is_read(desk: Desk) -> None:
    digest = a_full_digest()

    assert await loaded(desk, digest.model_dump(mode="json")) == digest


async def test_items_on_the_shelf_are_not_read_again(one: Desk) -> None:
    shelf = Shelf()
    content = await kept(one, a_full_digest())
    first = await loaded(one, content, shelf)
    async with transaction(one.engine) as connection:
        await connection.execute(sa.delete(tables.items))

    again = await loaded(one, content, shelf)

    assert again == first
    assert again.shown[0] is first.shown[0]


async def test_a_small_shelf_forgets_and_a_digest_is_whole_all_the_same(one: Desk) -> None:
    shelf = Shelf(room=2)
    digest = a_digest(*(an_entry(n) for n in range(1, 8)))
    content = await kept(one, digest)

    assert await loaded(one, content, shelf) == digest
    assert await loaded(one, content, shelf) == digest
    assert len(shelf.missing([key for group in content["groups"] for key in group["items"]])) == 5
