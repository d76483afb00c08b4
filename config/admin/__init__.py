"""What every admin page shares.

- ``apps``: the admin's app config.
- ``site``: the site and its menu.
- ``model_admin``: base class of model pages.
- ``actions``: actions with a confirmation page.
- ``changelist``: lists of millions of rows.
- ``filters``: filters of lists.
- ``form_fields``: fields of forms, and the form of a row's editable columns.
- ``sign_in``: operators, sessions, second factors.
- ``csv_export``: a list as CSV.
- ``related_tables``: small tables on a page; JSON and ids as people read them.
- ``charts``: SVG charts.
- ``error_pages``: errors as pages.
- ``management``: commands.
- ``migrations``: its migrations.
- ``templatetags``: tags of its templates.
- ``checks``: system checks.
- ``listing``: hostile parameters of lists.
- ``models``: tables of the admin.
- ``once``: forms that act once.
"""
