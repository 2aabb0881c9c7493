'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  sidstreamPage(sidstreamOwnItems(data)).show(data);
})();
