"""Tables that become cards on a phone: each cell carries the heading of its column."""

from config.admin.templatetags.cards import label_cells

TABLE = (
    '<table><thead><tr><th scope="col"><a href="?o=1">At</a></th>'
    '<th scope="col" class="desk-number">Say "so" &amp; go</th></tr></thead>'
    '<tbody><tr><th scope="row">1</th><td class="x">2</td></tr><tr><td>3</td><td>4</td></tr></tbody></table>'
)


def test_each_cell_gets_the_heading_of_its_column() -> None:
    body = label_cells(TABLE).partition("<tbody>")[2]
    second = 'data-label="Say &quot;so&quot; &amp; go"'
    assert f'<th data-label="At" scope="row">1</th><td {second} class="x">2</td>' in body
    assert f'<td data-label="At">3</td><td {second}>4</td>' in body


def test_headings_and_pages_without_a_table_stay_as_they_are() -> None:
    assert label_cells(TABLE).partition("<tbody>")[0] == TABLE.partition("<tbody>")[0]
    assert label_cells("<p>none</p>") == "<p>none</p>"


def test_cell_without_a_heading_gets_an_empty_label() -> None:
    assert '<td data-label="">more</td>' in label_cells(
        TABLE.replace("<td>4", "<td>4</td><td>more")
    )
