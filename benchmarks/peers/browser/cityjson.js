// The CityJSON loader for three.js as its own page would use it: worker parser, default materials, two lights.

import * as THREE from "three";
import { CityJSONLoader, CityJSONWorkerParser } from "cityjson-threejs-loader";

window.measure = async ({ file, size, views, patience, place }) => {
  const renderer = new THREE.WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
  renderer.setSize(size.width, size.height);
  renderer.setClearColor(0xf4f6f2);
  document.body.append(renderer.domElement);
  const scene = new THREE.Scene();
  scene.add(new THREE.AmbientLight(0xffffff, 0.55));
  const sun = new THREE.DirectionalLight(0xffffff, 0.5);
  sun.position.set(-500, -800, 1500);
  scene.add(sun);
  const camera = new THREE.PerspectiveCamera(30, size.width / size.height, 5, 60_000);
  camera.up.set(0, 0, 1);
  const gl = renderer.getContext();
  const pixel = new Uint8Array(4);
  const done = () => gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
  renderer.render(scene, camera);
  done();

  const started = performance.now();
  const data = await (await fetch(file)).json();
  const parser = new CityJSONWorkerParser();
  const loaded = new Promise((finish) => { parser.onComplete = finish; });
  const loader = new CityJSONLoader(parser);
  loader.load(data);
  scene.add(loader.scene);
  await loaded;
  const middle = new THREE.Vector3(...place).applyMatrix4(loader.matrix);
  const aim = (view) => {
    camera.fov = view.angle;
    camera.position.set(...view.eye).add(middle);
    camera.updateProjectionMatrix();
    camera.lookAt(new THREE.Vector3(...view.target).add(middle));
  };
  aim(views[0]);
  renderer.render(scene, camera);
  done();
  const seconds = (performance.now() - started) / 1000;

  const frames = [];
  for (const view of views) {
    if (frames.length > 3 && frames.reduce((a, b) => a + b) > patience * 1000) break;
    await new Promise(requestAnimationFrame);
    aim(view);
    const began = performance.now();
    renderer.render(scene, camera);
    done();
    frames.push(performance.now() - began);
  }
  return { seconds, frames, triangles: renderer.info.render.triangles };
};
