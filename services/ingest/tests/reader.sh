#!/bin/sh
# Stands in for the reader child: whatever the document is, it has one page with one line.
printf '%s' '{"read":{"kind":"text","title":null,"reader":"a stand-in","pages":[{"read":{"number":1,"origin":"text","lines":[{"text":"The same.","paragraph":1}]}}]}}' > reading.json
