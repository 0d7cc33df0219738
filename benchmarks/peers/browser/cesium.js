// CesiumJS with the city alone: no globe, sky or imagery, default 3D Tiles settings, antialiasing as it comes.

/* global Cesium */

window.measure = async ({ file, views, patience, place, degrees, shift }) => {
  const widget = new Cesium.CesiumWidget("scene", {
    globe: false, skyBox: false, skyAtmosphere: false, baseLayer: false, useDefaultRenderLoop: false,
    contextOptions: { webgl: { preserveDrawingBuffer: true } }, creditContainer: document.createElement("div"),
  });
  const { scene, camera } = widget;
  scene.backgroundColor = Cesium.Color.fromCssColorString("#f4f6f2");
  scene.sun = undefined;
  scene.moon = undefined;
  const gl = scene.context._gl;
  const pixel = new Uint8Array(4);
  const draw = () => {
    scene.initializeFrame();
    scene.render(Cesium.JulianDate.fromIso8601("2026-06-21T10:00:00Z"));
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
  };
  const next = () => new Promise(requestAnimationFrame);
  const ground = Cesium.Transforms.eastNorthUpToFixedFrame(Cesium.Cartesian3.fromDegrees(...degrees));
  const at = (point) => Cesium.Matrix4.multiplyByPoint(ground, new Cesium.Cartesian3(...point), new Cesium.Cartesian3());
  const up = Cesium.Matrix4.multiplyByPointAsVector(ground, Cesium.Cartesian3.UNIT_Z, new Cesium.Cartesian3());
  const aim = (view) => {
    const destination = at(view.eye);
    const direction = Cesium.Cartesian3.normalize(
      Cesium.Cartesian3.subtract(at(view.target), destination, new Cesium.Cartesian3()), new Cesium.Cartesian3());
    // the angle of the longer side, as CesiumJS has it; ours is that of the height
    const half = Math.tan((view.angle * Math.PI) / 360);
    camera.frustum.fov = 2 * Math.atan(half * Math.max(1, camera.frustum.aspectRatio));
    camera.setView({ destination, orientation: { direction, up } });
  };
  aim(views[0]);
  draw();

  const started = performance.now();
  let ready;
  if (file.endsWith(".json")) {
    const tiles = await Cesium.Cesium3DTileset.fromUrl(file);
    scene.primitives.add(tiles);
    ready = () => tiles.tilesLoaded;
  } else {
    const matrix = Cesium.Matrix4.multiplyByTranslation(ground, new Cesium.Cartesian3(...shift), new Cesium.Matrix4());
    const model = await Cesium.Model.fromGltfAsync({ url: file, modelMatrix: matrix, forwardAxis: Cesium.Axis.X });
    scene.primitives.add(model);
    ready = () => model.ready;
  }
  const settle = async () => {
    let quiet = 0;
    while (quiet < 2) {
      draw();
      quiet = ready() ? quiet + 1 : 0;
      await new Promise((done) => setTimeout(done, 0));
    }
  };
  await settle();
  const seconds = (performance.now() - started) / 1000;

  const frames = [];
  for (const view of views) {
    if (frames.length > 3 && frames.reduce((a, b) => a + b) > patience * 1000) break;
    await next();
    aim(view);
    const began = performance.now();
    draw();
    frames.push(performance.now() - began);
  }
  aim(views.at(-1));
  await settle();
  return { seconds, frames };
};
