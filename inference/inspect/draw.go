package inspect

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"

	"assay/inference/ir"
	"assay/inference/onnx"
)

// box is one thing in a picture: an input, a node or an output.
type box struct {
	title, under string // operator, and what else is to be read in the box
	hint         string // shown when the pointer rests on it
	kind         boxKind
	from         []int // boxes that it reads, each once
	layer, place int
}

type boxKind uint8

const (
	inputBox boxKind = iota
	nodeBox
	outputBox
)

// Draw writes the graph of a model as an SVG picture: data flows from the top down, constants are named in the boxes that
// read them. The same model gives the same picture. Bodies of control flow and functions are counted, not drawn.
func Draw(w io.Writer, g *onnx.Graph) error {
	d := drawing{made: map[string]int{}}
	for _, v := range g.Inputs {
		d.input(v.Name, v.Name, v.DType.String()+shapeText(v))
	}
	constants := map[string]string{}
	for i := range g.Initializers {
		t := &g.Initializers[i]
		constants[t.Name] = fmt.Sprintf("%v%v", t.DType, t.Shape)
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		var held []string
		for _, in := range n.Inputs {
			if c, ok := constants[in]; ok {
				held = append(held, c)
			}
		}
		d.node(n.Op, n.Name, held, n.Inputs, n.Outputs)
	}
	for _, v := range g.Outputs {
		d.output(v.Name, v.Name, v.DType.String()+shapeText(v))
	}
	return d.write(w, g.Name)
}

// DrawLowered is Draw for the graph that is computed.
func DrawLowered(w io.Writer, g *ir.Graph, name string) error {
	d := drawing{made: map[string]int{}}
	value := func(id ir.ID) string { return fmt.Sprint(id) }
	for i, v := range g.Inputs {
		d.input(value(ir.ID(i)), v.Name, v.DType.String())
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		var held, in, out []string
		for _, id := range n.In {
			switch {
			case id == ir.None:
			case g.Constant(id) != nil:
				c := g.Constant(id)
				kind := c.DType()
				if c.Quant != nil {
					kind = c.Quant.Q.DType
				}
				held = append(held, fmt.Sprintf("%v%v", kind, c.Shape()))
			default:
				in = append(in, value(id))
			}
		}
		for _, id := range n.Out {
			if id != ir.None {
				out = append(out, value(id))
			}
		}
		d.node(n.Op, n.Name, held, in, out)
	}
	for _, o := range g.Outputs {
		d.output(value(o.Value), o.Name, "")
	}
	return d.write(w, name)
}

// drawing collects boxes and lays them out.
type drawing struct {
	boxes  []box
	made   map[string]int // which box gives a value
	layers [][]int
}

func (d *drawing) input(value, name, kind string) {
	d.made[value] = len(d.boxes)
	d.boxes = append(d.boxes, box{title: name, under: kind, kind: inputBox})
}

func (d *drawing) node(op, name string, held, in, out []string) {
	b := box{title: op, kind: nodeBox, hint: name, under: strings.Join(held, " ")}
	for _, v := range in {
		if from, ok := d.made[v]; ok && !slices.Contains(b.from, from) {
			b.from = append(b.from, from)
		}
	}
	for _, v := range out {
		d.made[v] = len(d.boxes)
	}
	d.boxes = append(d.boxes, b)
}

func (d *drawing) output(value, name, kind string) {
	b := box{title: name, under: kind, kind: outputBox}
	if from, ok := d.made[value]; ok {
		b.from = []int{from}
	}
	d.boxes = append(d.boxes, b)
}

// The measures of a picture, in pixels.
const (
	boxWidth, boxHeight = 190, 40
	gapX, gapY, margin  = 24, 34, 20
	titleChars          = 26 // that fit into a box
	sweeps              = 6
)

// layout puts every box one layer under the lowest that it reads, and orders each layer by where its neighbours stand.
func (d *drawing) layout() {
	for i := range d.boxes {
		b := &d.boxes[i]
		for _, from := range b.from {
			b.layer = max(b.layer, d.boxes[from].layer+1)
		}
		for len(d.layers) <= b.layer {
			d.layers = append(d.layers, nil)
		}
		b.place = len(d.layers[b.layer])
		d.layers[b.layer] = append(d.layers[b.layer], i)
	}
	readers := make([][]int, len(d.boxes))
	for i := range d.boxes {
		for _, from := range d.boxes[i].from {
			readers[from] = append(readers[from], i)
		}
	}
	for sweep := range sweeps {
		for l := range d.layers {
			if sweep%2 == 0 {
				d.order(l, func(i int) []int { return d.boxes[i].from })
				continue
			}
			d.order(len(d.layers)-1-l, func(i int) []int { return readers[i] })
		}
	}
}

// order sorts a layer by the mean place of each box's neighbours; a box without any stays where it is.
func (d *drawing) order(layer int, neighbours func(i int) []int) {
	weight := map[int]float64{}
	for _, i := range d.layers[layer] {
		weight[i] = float64(d.boxes[i].place)
		if list := neighbours(i); len(list) > 0 {
			sum := 0
			for _, n := range list {
				sum += d.boxes[n].place
			}
			weight[i] = float64(sum) / float64(len(list))
		}
	}
	slices.SortStableFunc(d.layers[layer], func(a, b int) int {
		switch {
		case weight[a] < weight[b]:
			return -1
		case weight[a] > weight[b]:
			return 1
		}
		return 0
	})
	for place, i := range d.layers[layer] {
		d.boxes[i].place = place
	}
}

func (d *drawing) write(w io.Writer, name string) error {
	d.layout()
	widest := 1
	for _, l := range d.layers {
		widest = max(widest, len(l))
	}
	width := 2*margin + widest*(boxWidth+gapX) - gapX
	height := 2*margin + len(d.layers)*(boxHeight+gapY) - gapY
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`, width, height, width, height)
	fmt.Fprintf(&b, "\n<title>%s</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n", text(name))
	corner := func(i int) (x, y int) {
		row := d.layers[d.boxes[i].layer]
		left := (width - len(row)*(boxWidth+gapX) + gapX) / 2
		return left + d.boxes[i].place*(boxWidth+gapX), margin + d.boxes[i].layer*(boxHeight+gapY)
	}
	b.WriteString("<g fill=\"none\" stroke=\"#8a8f98\" stroke-width=\"1\">\n")
	for i := range d.boxes {
		x, y := corner(i)
		for _, from := range d.boxes[i].from {
			fx, fy := corner(from)
			x1, y1, x2, y2 := fx+boxWidth/2, fy+boxHeight, x+boxWidth/2, y
			fmt.Fprintf(&b, "<path d=\"M%d %dC%d %d %d %d %d %d\"/>\n", x1, y1, x1, y1+gapY, x2, y2-gapY, x2, y2)
		}
	}
	b.WriteString("</g>\n")
	for i := range d.boxes {
		x, y := corner(i)
		d.boxes[i].write(&b, x, y)
	}
	b.WriteString("</svg>\n")
	_, err := w.Write(b.Bytes())
	return err
}

func (x *box) write(b *bytes.Buffer, left, top int) {
	radius := 4
	if x.kind != nodeBox {
		radius = boxHeight / 2
	}
	fmt.Fprintf(b, "<g><title>%s</title><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\" fill=\"%s\" stroke=\"#444b57\"/>",
		text(strings.TrimSpace(x.title+" "+x.hint+" "+x.under)), left, top, boxWidth, boxHeight, radius, x.colour())
	middle, line := left+boxWidth/2, top+boxHeight/2+4
	if x.under != "" {
		fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#555b66\" font-size=\"9\">%s</text>", middle, top+31, text(short(x.under, titleChars+8)))
		line = top + 17
	}
	fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#14171c\">%s</text></g>\n", middle, line, text(short(x.title, titleChars)))
}

// colour is the same for the same operator everywhere.
func (x *box) colour() string {
	switch x.kind {
	case inputBox:
		return "#dfeedd"
	case outputBox:
		return "#f6dfd3"
	}
	h := fnv.New32a()
	h.Write([]byte(x.title))
	return fmt.Sprintf("hsl(%d,55%%,90%%)", h.Sum32()%360)
}

func short(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}

// text escapes what a model says of itself, which may be anything.
func text(s string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}
