package exact

import (
	"math"

	"assay/inference/tensor"
)

// format is a float of eight bits or less: a sign, an exponent with a bias, a mantissa.
type format struct {
	mantissa, bias int
	sign           byte
	highest        byte // code of the largest finite number
	infinity       byte // 0 when there is none
	nan            byte // the code that NaN is stored as; 0 when there is none
	lone           bool // one zero only: the code of -0 is the NaN
}

func smallFormats(dtype tensor.DType) format {
	switch dtype {
	case tensor.Float8E4M3FN:
		return format{mantissa: 3, bias: 7, sign: 0x80, highest: 0x7e, nan: 0x7f}
	case tensor.Float8E4M3NUZ:
		return format{mantissa: 3, bias: 8, sign: 0x80, highest: 0x7f, nan: 0x80, lone: true}
	case tensor.Float8E5M2:
		return format{mantissa: 2, bias: 15, sign: 0x80, highest: 0x7b, infinity: 0x7c, nan: 0x7f}
	case tensor.Float8E5M2NUZ:
		return format{mantissa: 2, bias: 16, sign: 0x80, highest: 0x7f, nan: 0x80, lone: true}
	}
	return format{mantissa: 1, bias: 1, sign: 8, highest: 7} // float4e2m1
}

// smallFloat gives the function from the codes of a type to numbers.
func smallFloat(dtype tensor.DType) func(byte) float32 {
	if dtype == tensor.Float8E8M0 {
		return fromPower
	}
	return smallFormats(dtype).decode
}

// decode is exact.
func (f format) decode(code byte) float32 {
	magnitude := code & (f.sign - 1)
	switch {
	case f.lone && code == f.nan:
		return float32(math.NaN())
	case f.infinity != 0 && magnitude > f.infinity, f.infinity == 0 && f.nan != 0 && !f.lone && magnitude == f.nan:
		return float32(math.NaN())
	}
	x := float32(math.Inf(1))
	if f.infinity == 0 || magnitude != f.infinity {
		exponent := int(magnitude >> f.mantissa)
		digits := float64(magnitude & (1<<f.mantissa - 1))
		if exponent == 0 {
			exponent = 1
		} else {
			digits += float64(int(1) << f.mantissa)
		}
		x = float32(math.Ldexp(digits, exponent-f.bias-f.mantissa))
	}
	if code&f.sign != 0 {
		x = -x
	}
	return x
}

// encode rounds to the nearest, ties to even. What is too large, infinities included, becomes the largest number, or
// without saturation infinity or NaN.
func (f format) encode(x float32, saturate bool) byte {
	sign := byte(0)
	if math.Signbit(float64(x)) {
		sign = f.sign
	}
	t := math.Abs(float64(x))
	switch {
	case x != x:
		return f.noNumber()
	case t > math.MaxFloat32:
		return f.beyond(sign, saturate)
	case t == 0:
		return f.signed(0, sign)
	}
	lowest := 1 - f.bias
	_, e := math.Frexp(t)
	e = max(e-1, lowest)
	digits := math.RoundToEven(math.Ldexp(t, f.mantissa-e))
	code := (e-lowest)<<f.mantissa + int(digits)
	if code > int(f.highest) {
		return f.beyond(sign, saturate)
	}
	return f.signed(byte(code), sign)
}

// signed adds the sign; 0 has none where there is one zero.
func (f format) signed(code, sign byte) byte {
	if code == 0 && f.lone {
		return 0
	}
	return code | sign
}

func (f format) noNumber() byte {
	if f.nan == 0 {
		return f.sign // float4e2m1 has no NaN: it becomes -0
	}
	return f.nan
}

func (f format) beyond(sign byte, saturate bool) byte {
	switch {
	case saturate || f.nan == 0:
		return f.highest | sign
	case f.infinity != 0:
		return f.infinity | sign
	}
	return f.nan
}

// fromPower: float8e8m0 is 2^(code-127), 255 is NaN.
func fromPower(code byte) float32 {
	if code == 255 {
		return float32(math.NaN())
	}
	return float32(math.Ldexp(1, int(code)-127))
}

// toPower rounds to a power of two: up, down, or to the nearest with ties up. The sign is not looked at. Without
// saturation what lies outside is NaN, as 0 is then.
func toPower(x float32, saturate bool, round string) byte {
	t := math.Abs(float64(x))
	if x != x || t > math.MaxFloat32 && !saturate {
		return 255
	}
	if t == 0 {
		if saturate {
			return 0
		}
		return 255
	}
	fraction, e := 0.5, 129
	if t <= math.MaxFloat32 {
		fraction, e = math.Frexp(t)
	}
	e += 126 // t is fraction·2·2^(e-127) with fraction in 0.5 … 1
	if round == "up" && fraction > 0.5 || round == "nearest" && fraction >= 0.75 {
		e++
	}
	switch {
	case e >= 0 && e <= 254:
		return byte(e)
	case !saturate:
		return 255
	case e < 0:
		return 0
	}
	return 254
}
